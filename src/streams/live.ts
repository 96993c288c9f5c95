import { Observable } from 'rxjs';
import type { MillraceError } from '../errors.js';
import { Upkeep } from '../wal/upkeep.js';
import { LogWriter } from '../wal/writer.js';
import type { IngestContext } from './ingest.js';
import type { ResolvedOptions } from './options.js';
import type { RecoveredMill } from './start.js';
import type { DurableStream } from './stream.js';

/** What a mill has while it is live. */
export interface LiveMill extends RecoveredMill, IngestContext {
  readonly upkeep: Upkeep;
}

export interface LiveHooks {
  /** @throws MillraceError `CLOSED` */
  readonly assertOpen: () => void;
  readonly poisoned: (failure: MillraceError) => void;
}

/** Puts the writer behind the recovered log: from here on commits go to the files and through `apply`. */
export function createLive(
  mill: RecoveredMill,
  options: ResolvedOptions,
  { assertOpen, poisoned }: LiveHooks,
): LiveMill {
  const { logs, hash, manifest, apply, log } = mill;
  const { scheduler, walLevel: level, commitEventsMax, commitBytesMax } = options;
  const writer: LogWriter = new LogWriter(
    {
      logs,
      hash,
      scheduler,
      poisoned,
      apply: (commit) => {
        apply.live(commit);
        if (commit.events > 0) upkeep.active();
      },
    },
    { level, commitEventsMax, commitBytesMax },
    log,
  );
  const upkeep = new Upkeep(writer, scheduler);
  return { ...mill, writer, upkeep, vgroups: manifest.vgroups, assertOpen };
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
