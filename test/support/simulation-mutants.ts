import { EMPTY } from 'rxjs';
import { CommitBuilder } from '../../src/wal/commit.js';
import { CommitCursor } from '../../src/wal/commit-cursor.js';
import { LogFile } from '../../src/wal/log-file.js';
import { LogSet } from '../../src/wal/log-set.js';
import { Upkeep } from '../../src/wal/upkeep.js';
import { interruptManifest } from './simulation-interrupted.js';
import {
  ForgetsDirectories,
  KeepsTornEnds,
  ReadsShort,
  RetriesSyncs,
  ShowsOldManifest,
  WritesNothingAgain,
} from './simulation-lies.js';
import { ANYTHING, runTrial, type Shape } from './simulation-trial.js';

/** A mill with one part that is wrong in a way that a programmer might get it wrong. The simulation must see it. */
export interface Mutant {
  readonly name: string;
  /** Puts the wrong part in, and gives what takes it out again. */
  readonly install?: () => () => void;
  readonly trial: (seed: number) => Promise<void>;
}

const anything = (seed: number) => runTrial(seed);
const shaped = (shape: Partial<Shape>) => (seed: number) => runTrial(seed, { ...ANYTHING, ...shape });
/** With a log that stays long. */
const logged = (shape: Partial<Shape>) => shaped({ checkpointShare: 0, retentionShare: 0, ...shape });
const failingSyncs: Partial<Shape> = { faults: ['sync'], faultShare: 0.6, levels: ['sync', 'flush'] };

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'acknowledges before the sync',
    install: () =>
      patch(LogSet.prototype, 'sync', (sync, logs, commit) => {
        sync.call(logs, commit).subscribe({ error: () => {} });
        return EMPTY;
      }),
    trial: anything,
  },
  {
    name: 'retries a failed sync',
    trial: shaped({ ...failingSyncs, seenBy: (disk) => new RetriesSyncs(disk) }),
  },
  {
    name: 'skips the sync of directories',
    trial: shaped({ seenBy: (disk) => new ForgetsDirectories(disk) }),
  },
  {
    name: 'ignores a short read',
    trial: shaped({ seenBy: (disk, _phase, random) => new ReadsShort(disk, random) }),
  },
  {
    name: 'applies recovered frames before they are durable',
    trial: logged({
      ...failingSyncs,
      chain: ['kill', 'cut'],
      levels: ['sync'],
      seenBy: (disk, phase) => new WritesNothingAgain(disk, phase),
    }),
  },
  {
    name: 'hands out an lsn again',
    install: () =>
      patch(CommitBuilder.prototype, 'addRecord', (addRecord, builder, record, receipt) => {
        if (record.kind !== 'ceiling') addRecord.call(builder, record, receipt);
      }),
    trial: anything,
  },
  {
    name: 'leaves a rejected frame in the file',
    install: () => patch(LogFile.prototype, 'cutBack', () => EMPTY),
    trial: logged({ faults: ['write', 'room'], faultShare: 0.6 }),
  },
  {
    name: 'misses a participant of a commit',
    install: () =>
      patch(CommitCursor.prototype, 'look', (look, cursor) => {
        const found = look.call(cursor);
        return found === 'none' && cursor.parts.length > 0 ? 'commit' : found;
      }),
    trial: logged({ faultShare: 0, vgroups: [4], levels: ['sync', 'flush'] }),
  },
  {
    name: 'leaves a torn end in the file',
    trial: logged({
      faultShare: 0,
      ends: ['cut'],
      levels: ['flush'],
      rotShare: 0,
      seenBy: (disk, phase) => new KeepsTornEnds(disk, phase),
    }),
  },
  {
    name: 'never syncs of itself at level flush',
    install: () => patch(Upkeep.prototype, 'active', () => {}),
    trial: logged({ levels: ['flush'], faultShare: 0 }),
  },
  {
    name: 'takes an old manifest for the newest',
    trial: (seed) => interruptManifest(seed, { seenBy: (disk) => new ShowsOldManifest(disk) }),
  },
];

// biome-ignore lint/suspicious/noExplicitAny: any method
type Method = (...values: any[]) => unknown;

/** Replaces a method until the returned function is called. The wrong one gets the right one and its object first. */
export function patch<T extends object, K extends keyof T>(
  prototype: T,
  name: K,
  wrong: T[K] extends (...values: infer A) => infer R ? (right: T[K], self: T, ...values: A) => R : never,
): () => void {
  const right = prototype[name];
  prototype[name] = function (this: T, ...values: unknown[]) {
    return (wrong as Method)(right, this, ...values);
  } as T[K];
  return () => {
    prototype[name] = right;
  };
}
