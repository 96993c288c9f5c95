import { BehaviorSubject, Observable, type SchedulerLike } from 'rxjs';
import type { MillraceError } from '../errors.js';
import type { CheckpointEvent } from '../operators/checkpoint-report.js';
import { BackgroundCompute } from '../snapshots/background-compute.js';
import { Transport } from '../snapshots/entry-list.js';
import type { Manifest } from '../snapshots/manifest.js';
import { prepareNext } from '../wal/rotation.js';
import { Upkeep } from '../wal/upkeep.js';
import { LogWriter } from '../wal/writer.js';
import type { CheckpointedMill } from './checkpoint/checkpointed-mill.js';
import { Checkpointing } from './checkpoint/checkpointing.js';
import { LogSizes } from './checkpoint/log-sizes.js';
import { NextFiles } from './checkpoint/next-files.js';
import { DerivedStream } from './derived/derived-stream.js';
import { otherKind } from './derived/misuse.js';
import { isDerived } from './derived/side-streams.js';
import type { IngestContext } from './ingest.js';
import type { ResolvedOptions } from './options.js';
import type { AnyStream } from './registry.js';
import type { RecoveredMill } from './start.js';

/** What a mill has while it is live. */
export interface LiveMill extends RecoveredMill, CheckpointedMill, IngestContext {
  readonly scheduler: SchedulerLike;
  readonly upkeep: Upkeep;
  readonly checkpointing: Checkpointing;
  /** Milliseconds between two checkpoints. */
  readonly interval: BehaviorSubject<number>;
  /** Whether memory is full of what waits for a checkpoint. */
  readonly isFull: () => boolean;
}

export interface LiveHooks {
  /** @throws MillraceError `CLOSED` */
  readonly assertOpen: () => void;
  readonly poisoned: (failure: MillraceError) => void;
  /** How long the events of streams are kept, in milliseconds, by stream number. */
  readonly retentions: () => ReadonlyMap<number, number>;
  readonly checkpoint: (event: CheckpointEvent) => void;
}

/** Puts the writer behind the recovered log: from here on commits go to the files and through `apply`. */
export function createLive(mill: RecoveredMill, options: ResolvedOptions, hooks: LiveHooks): LiveMill {
  const { logs, hash, manifest, apply, log, place } = mill;
  const { scheduler, walLevel: level, commitEventsMax, commitBytesMax } = options;
  const interval = new BehaviorSubject(options.checkpointInterval);
  const writer: LogWriter = new LogWriter(
    {
      logs,
      hash,
      scheduler,
      poisoned: hooks.poisoned,
      apply: (commit) => {
        apply.live(commit);
        checkpointing.committed();
        if (commit.events > 0) upkeep.active();
      },
      holdsBack: () => checkpointing.holdsBack,
    },
    { level, commitEventsMax, commitBytesMax },
    log,
  );
  const upkeep = new Upkeep(writer, scheduler);
  const logSize = new LogSizes(options, scheduler, () => interval.value);
  const nextFiles = new NextFiles(() => prepareNext(place, logs.files, (participant) => logSize.next(participant)));
  const compute = options.compute ?? new BackgroundCompute(hash);
  const checkpointed = { ...mill, writer, compute, transport: new Transport(), nextFiles, logSize };
  const checkpointing: Checkpointing = new Checkpointing(
    checkpointed,
    { ...options, interval$: interval },
    { retentions: hooks.retentions, happened: hooks.checkpoint },
  );
  const { vgroups } = manifest.current;
  const isFull = () => mill.unsaved.bytesInAll >= options.unsavedBytesMax;
  return { ...checkpointed, scheduler, upkeep, checkpointing, interval, vgroups, assertOpen: hooks.assertOpen, isFull };
}

/**
 * Brings declarations and the log together: what the log lacks goes into the commit that is filling, before any event of it.
 *
 * @throws SchemaError `SCHEMA_CHANGED`
 */
export function declareStreams(live: LiveMill, streams: readonly AnyStream[]): void {
  const { catalog, writer, manifest } = live;
  const records = streams.flatMap((stream) => {
    const { derived = [] } = manifest.current;
    if (isDerived(stream.name, stream.columns, derived) && !(stream instanceof DerivedStream))
      throw otherKind(stream.name, 'derived', 'a stream that events are appended to');
    const record = catalog.declare(stream.name, stream.columns, isRebuilt(stream, manifest.current));
    if (record) catalog.remember(record);
    return record ? [record] : [];
  });
  for (const record of records) writer.record(record);
  for (const stream of streams) stream.connect(live, catalog.find(stream.name)!.id);
}

/** Whether the rows of a stream are derived anew, also because a version that was being built is given up. */
export function isRebuilt(stream: AnyStream, { derived = [] }: Manifest): boolean {
  const entry = derived.find(({ name }) => name === stream.name);
  if (entry === undefined || !(stream instanceof DerivedStream)) return false;
  return entry.build !== undefined || entry.version < stream.version;
}

/** Declares the streams and says in the log that the mill is open; completes when that is durable. */
export function logOpened(live: LiveMill, streams: readonly AnyStream[]): Observable<never> {
  return new Observable((subscriber) => {
    declareStreams(live, streams);
    const opened = { committed: () => subscriber.complete(), failed: (error: unknown) => subscriber.error(error) };
    live.writer.record({ kind: 'open', level: live.writer.options.level }, opened);
  });
}
