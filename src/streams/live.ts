import { BehaviorSubject, Observable, type SchedulerLike } from 'rxjs';
import type { MillraceError } from '../errors.js';
import type { CheckpointEvent } from '../operators/checkpoint-report.js';
import { BackgroundCompute } from '../snapshots/background-compute.js';
import { Transport } from '../snapshots/entry-list.js';
import { prepareNext } from '../wal/rotation.js';
import { Upkeep } from '../wal/upkeep.js';
import { LogWriter } from '../wal/writer.js';
import type { CheckpointedMill } from './checkpoint/checkpointed-mill.js';
import { Checkpointing } from './checkpoint/checkpointing.js';
import { LogSizes } from './checkpoint/log-sizes.js';
import { NextFiles } from './checkpoint/next-files.js';
import type { IngestContext } from './ingest.js';
import type { ResolvedOptions } from './options.js';
import type { RecoveredMill } from './start.js';
import type { DurableStream } from './stream.js';

/** What a mill has while it is live. */
export interface LiveMill extends RecoveredMill, CheckpointedMill, IngestContext {
  readonly scheduler: SchedulerLike;
  readonly upkeep: Upkeep;
  readonly checkpointing: Checkpointing;
  /** Milliseconds between two checkpoints. */
  readonly interval: BehaviorSubject<number>;
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
  return { ...checkpointed, scheduler, upkeep, checkpointing, interval, vgroups, assertOpen: hooks.assertOpen };
}

/**
 * Brings declarations and the log together: what the log lacks goes into the commit that is filling, before any event of it.
 *
 * @throws SchemaError `SCHEMA_CHANGED`
 */
export function declareStreams(live: LiveMill, streams: readonly DurableStream<unknown>[]): void {
  const { catalog, writer } = live;
  const records = streams.flatMap((stream) => {
    const record = catalog.declare(stream.name, stream.columns);
    if (record) catalog.remember(record);
    return record ? [record] : [];
  });
  for (const record of records) writer.record(record);
  for (const stream of streams) stream.connect(live, catalog.find(stream.name)!.id);
}

/** Declares the streams and says in the log that the mill is open; completes when that is durable. */
export function logOpened(live: LiveMill, streams: readonly DurableStream<unknown>[]): Observable<never> {
  return new Observable((subscriber) => {
    declareStreams(live, streams);
    const opened = { committed: () => subscriber.complete(), failed: (error: unknown) => subscriber.error(error) };
    live.writer.record({ kind: 'open', level: live.writer.options.level }, opened);
  });
}
