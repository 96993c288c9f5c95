import { catchError, lastValueFrom, type Observable, queueScheduler, type SchedulerLike, throwError } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { float64, MillraceError, string, timestamp } from '../../src/index.js';
import { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import { Ingest } from '../../src/streams/ingest.js';
import { resolveOptions } from '../../src/streams/options.js';
import { RowCodec } from '../../src/streams/row-codec.js';
import { layoutOf } from '../../src/streams/schema.js';
import { openMill } from '../../src/streams/start.js';
import { LogWriter } from '../../src/wal/writer.js';
import type { WriterOptions } from '../../src/wal/writer-context.js';

export interface Letter {
  readonly ts: number;
  readonly name: string;
  readonly weight: number;
}

/** What the letters of a marble diagram stand for. `x` does not fit the schema. */
export const letters: Record<string, Letter> = Object.fromEntries(
  'abcdefghij'.split('').map((name, at) => [name, { ts: at, name, weight: at / 2 }]),
);
letters.x = { ts: 1, name: 'x', weight: 'heavy' as unknown as number };

export const WRITE_MS = 1;
export const SYNC_MS = 2;

export interface MarbleLog {
  readonly log: Ingest<Letter, Letter>;
  readonly writer: LogWriter;
  readonly storage: SimulatedStorage;
  readonly test: TestScheduler;
  /** The names of the letters that were committed, each commit in one text. */
  readonly commits: string[];
}

/**
 * The real log over a disk on a TestScheduler's clock, ready for one test: a write takes 1 frame, a sync 2. The clock
 * starts when the log is open, as that has to load the hash function first.
 */
export async function marbleLog(
  options: Partial<WriterOptions> = {},
  disk: { sync?: boolean } = {},
): Promise<MarbleLog> {
  const test = new TestScheduler((actual, expected) => expect(actual).toEqual(expected));
  let scheduler: SchedulerLike = queueScheduler;
  const clock: SchedulerLike = {
    now: () => scheduler.now(),
    schedule: (work: never, delay?: number, state?: never) => scheduler.schedule(work, delay, state),
  };
  const latency = (operation: string) =>
    scheduler === queueScheduler ? 0 : operation === 'sync' ? SYNC_MS : operation === 'write' ? WRITE_MS : 0;
  const storage = new SimulatedStorage(disk.sync ? {} : { scheduler: clock, latency });
  const mill = await lastValueFrom(openMill('/log', resolveOptions({ storage, scheduler: clock, logFileBytes: 4096 })));
  const layout = layoutOf('letters', { ts: timestamp(), name: string(), weight: float64() });
  const record = mill.catalog.declare('letters', layout)!;
  mill.catalog.remember(record);
  const commits: string[] = [];
  const { hash, logs, catalog } = mill;
  const writer: LogWriter = new LogWriter(
    {
      hash,
      logs,
      scheduler: clock,
      holdsBack: () => false,
      apply: (commit) => {
        mill.apply.live(commit);
        let names = '';
        log.read(commit, 0, commit.events, (letter) => {
          names += letter.name;
        });
        commits.push(names);
      },
    },
    { level: 'sync', commitEventsMax: 1000, commitBytesMax: 1_000_000, ...options },
    mill.log,
  );
  const context = { writer, catalog, vgroups: 1, hash, assertOpen: () => {} };
  const codec = new RowCodec<Letter>('letters', layout);
  const log: Ingest<Letter, Letter> = new Ingest(context, codec, catalog.find('letters')!.versions[0]!, 'letters');
  // The first commit of a log promises lsns in its metadata; it is behind us when the clock starts.
  await new Promise<void>((resolve, failed) => writer.record(record, { committed: () => resolve(), failed }));
  commits.length = 0;
  scheduler = test;
  return { log, writer, storage, test, commits };
}

/** Errors by their codes, as a marble diagram wants them. */
export function byCode<T>(source: Observable<T>): Observable<T> {
  return source.pipe(
    catchError((error: unknown) => throwError(() => (error instanceof MillraceError ? error.code : error))),
  );
}
