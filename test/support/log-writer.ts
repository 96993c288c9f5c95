import { map, type Observable, switchMap } from 'rxjs';
import type { MillraceError } from '../../src/errors.js';
import { type Latency, SimulatedStorage } from '../../src/storage/simulated-storage.js';
import { createMill, participantsOf } from '../../src/streams/create.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { Batch } from '../../src/wal/batch.js';
import type { Commit, CommitReceipt } from '../../src/wal/commit.js';
import type { StreamLayout } from '../../src/wal/event-entry.js';
import type { Hash } from '../../src/wal/hash.js';
import { LogSet } from '../../src/wal/log-set.js';
import { openLogs, type ParticipantLog } from '../../src/wal/open-logs.js';
import { type LogRecovery, recoverLog } from '../../src/wal/recovery.js';
import { replayLog } from '../../src/wal/replay.js';
import { Upkeep } from '../../src/wal/upkeep.js';
import { LogWriter } from '../../src/wal/writer.js';
import type { WriterOptions, WriterStart } from '../../src/wal/writer-context.js';
import { DIRECTORY, EPOCH, hashing, randomOf } from './log-mill.js';

/** A stream of numbers, without keys: what the writer's tests write. */
const NUMBERS: StreamLayout = {
  id: 1,
  version: 1,
  columns: [{ name: 'ts', type: 'timestamp', role: 'time', optional: false }],
};

export interface RigOptions extends Partial<WriterOptions> {
  readonly vgroups?: number;
  /** Milliseconds of each operation of the disk. Without it everything completes at once. */
  readonly latency?: Latency;
  /** Bytes that are prepared for a log file: 64 by default, nothing but the header. */
  readonly logFileBytes?: number;
  /** Goes on with the log on this disk, in place of a new one. */
  readonly disk?: SimulatedStorage;
  /** Of the disk: what a failed write leaves, and a power cut. */
  readonly seed?: number;
  /** Where the log stands, in place of what recovery says. */
  readonly start?: Partial<WriterStart>;
  /** Whether appends must wait for something outside. */
  readonly holdsBack?: () => boolean;
}

const BASE = { commit: 0, nextLsn: 1, ceiling: 1 };
const DATABASE_ID = randomOf(3).bytes(16);

/** A writer over a simulated disk, with all that it told: what was applied, and what became of every number. */
export class WriterRig {
  readonly applied: number[][] = [];
  readonly told: string[] = [];
  readonly poisonings: MillraceError[] = [];
  readonly writer: LogWriter;
  readonly upkeep: Upkeep;

  private constructor(
    readonly clock: VirtualClock,
    readonly storage: SimulatedStorage,
    /** When syncs began, where the disk takes time. */
    readonly syncedAt: number[],
    hash: Hash,
    { logs, log }: OpenedLogs,
    options: RigOptions,
  ) {
    const { level = 'sync', commitEventsMax = 1_000, commitBytesMax = 1_000_000 } = options;
    const apply = (commit: Commit) => {
      this.applied.push(numbersIn(commit));
      if (commit.events > 0) this.upkeep.active();
    };
    const poisoned = (failure: MillraceError) => this.poisonings.push(failure);
    const { holdsBack = () => false } = options;
    const context = { logs, hash, scheduler: clock, apply, poisoned, holdsBack };
    this.writer = new LogWriter(context, { level, commitEventsMax, commitBytesMax }, { ...log, ...options.start });
    this.upkeep = new Upkeep(this.writer, clock);
  }

  static async open(options: RigOptions = {}): Promise<WriterRig> {
    const { vgroups = 1, latency } = options;
    const hash = await hashing();
    const clock = new VirtualClock(EPOCH);
    const made = options.disk ?? newDisk(options, hash);
    const syncedAt: number[] = [];
    const noting: Latency = (operation, bytes, random) => {
      if (operation === 'sync') syncedAt.push(clock.now());
      return typeof latency === 'function' ? latency(operation, bytes, random) : latency!;
    };
    const storage = made.kill(latency === undefined ? {} : { scheduler: clock, latency: noting });
    return new WriterRig(clock, storage, syncedAt, hash, run(clock, recoveredLogs(storage, vgroups, hash)), options);
  }

  /** What a start finds on a disk that `kill` or `crash` gave. */
  static async recovered(storage: SimulatedStorage, vgroups = 1): Promise<Recovered> {
    const hash = await hashing();
    const disk = storage.kill({ scheduler: undefined });
    const { found, log } = run(new VirtualClock(), recoveredLogs(disk, vgroups, hash));
    const commits: Commit[] = [];
    replayLog(found, BASE, hash, (commit) => commits.push(commit)).subscribe();
    return { log, commits, numbers: commits.map(numbersIn).filter((numbers) => numbers.length > 0) };
  }

  /** Adds a number to the commit that is filling. */
  append(number: number, vgroup = 0, onTold?: (outcome: string) => void): void {
    this.add(number, this.receipt(String(number), onTold), vgroup);
  }

  /** The same for a receipt that may be that of other numbers too. */
  add(number: number, receipt: CommitReceipt, vgroup = 0): void {
    this.writer.assertWritable();
    const { filling } = this.writer;
    const entry = filling.stream(NUMBERS).entry(vgroup);
    entry.room(1);
    entry.columns[0]!.set(entry.rows, number as never);
    entry.commitRow(0, filling.events);
    filling.add(1, entry.lastRowBytes, receipt);
    this.writer.sealSoon();
  }

  /** Notes what a receipt is told: `name@lsn`, `name` alone for a record, or `name!CODE`. */
  receipt(name: string, onTold: (outcome: string) => void = () => {}): CommitReceipt {
    const tell = (outcome: string) => {
      this.told.push(outcome);
      onTold(outcome);
    };
    return {
      committed: (commit, order, count) => tell(count === 0 ? name : `${name}@${commit.firstLsn + order}`),
      failed: (error) => tell(`${name}!${error.code}`),
    };
  }

  /** Appends a number and lets the clock run until something is told. */
  write(number: number, vgroup = 0): void {
    const before = this.told.length;
    this.append(number, vgroup);
    while (this.told.length === before && this.clock.step());
  }

  /** The operations of one kind that were begun lately on files whose path matches. */
  begun(operation: string, path = /current\.wal/): number {
    return this.storage.history.filter((line) => line.split(' ')[1] === operation && path.test(line)).length;
  }
}

function newDisk({ vgroups = 1, logFileBytes = 64, seed = 0 }: RigOptions, hash: Hash): SimulatedStorage {
  const disk = new SimulatedStorage({ seed });
  disk.replace(`${DIRECTORY}/LOCK`, new Uint8Array(0));
  createMill(disk, DIRECTORY, { databaseId: DATABASE_ID, vgroups, logFileBytes }, hash).subscribe();
  return disk;
}

export interface Recovered {
  readonly log: LogRecovery;
  readonly commits: readonly Commit[];
  /** The numbers of each commit that has some. */
  readonly numbers: readonly number[][];
}

interface OpenedLogs {
  readonly found: readonly ParticipantLog[];
  readonly logs: LogSet;
  readonly log: LogRecovery;
}

function recoveredLogs(storage: SimulatedStorage, vgroups: number, hash: Hash): Observable<OpenedLogs> {
  const identities = participantsOf(vgroups).map((participant) => ({
    databaseId: DATABASE_ID,
    participant,
    fileNumber: 1,
  }));
  return openLogs({ storage, directory: DIRECTORY, hash }, identities, []).pipe(
    switchMap((found) =>
      recoverLog(storage, DIRECTORY, found, BASE, hash).pipe(
        map((log) => ({
          found,
          log,
          logs: new LogSet(
            found.map(({ files }) => files.at(-1)!),
            log.commit,
          ),
        })),
      ),
    ),
  );
}

/** Runs something to its end, stepping the clock as long as that takes. */
export function run<T>(clock: VirtualClock, source: Observable<T>): T {
  let result: T | undefined;
  let failure: unknown;
  let isOver = false;
  source.subscribe({
    next: (value) => {
      result = value;
    },
    error: (error) => {
      failure = error;
      isOver = true;
    },
    complete: () => {
      isOver = true;
    },
  });
  while (!isOver && clock.step());
  if (!isOver) throw new Error('it did not end');
  if (failure !== undefined) throw failure;
  return result as T;
}

function numbersIn(commit: Commit): number[] {
  const rows = commit.entries.flatMap(({ bytes }) => {
    const batch = new Batch(NUMBERS, bytes, commit.firstLsn);
    const values = batch.columns[0] as Float64Array;
    return Array.from(values, (value, row) => ({ order: batch.orderOf(row), value }));
  });
  return rows.sort((a, b) => a.order - b.order).map(({ value }) => value);
}
