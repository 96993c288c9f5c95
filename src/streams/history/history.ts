import { concat, defer, Observable } from 'rxjs';
import { MillraceError } from '../../errors.js';
import type { RowPosition } from '../../snapshots/row-position.js';
import { asEvent, type ReadOptions } from '../reading.js';
import { onAbort, type ReadSink, RowIterator, type Running } from '../row-iterator.js';
import { Puller } from './puller.js';
import type { HistoryQuery } from './query.js';
import type { Revisions } from './revisions.js';
import type { Scan } from './scan.js';
import type { Slices } from './slices.js';

/** What `history` reads, and in which order. */
export interface HistoryOptions<T, C extends keyof T = keyof T> extends ReadOptions {
  /** Events whose event time is not before this: a `Date`, or milliseconds since the epoch. */
  readonly from?: Date | number;
  /** … and before this. */
  readonly to?: Date | number;
  /** Values that key columns must have: `{ device: 'a7' }`. */
  readonly where?: { readonly [K in keyof T]?: T[K] };
  /** The columns that rows have; all where not given. */
  readonly columns?: readonly C[];
  /** At most so many rows. */
  readonly limit?: number;
  /**
   * Of a derived stream with windows, as `windowed` gives them: only the highest revision of each, where that stands (`highest`, default), or
   * all its rows. A window is known by its key, `start` and `end`; one that was taken back, as when a late event makes a session longer, is
   * not there at all. To know what was corrected, reading with `asc` begins with a look at one column, and memory goes with the number of
   * windows that were. Streams whose rows have no `start` (the event time), `end`, `count`, `revision` and `final` are read as they are.
   */
  readonly revisions?: 'highest' | 'all';
  /** By position, which is the order in which the events were written: the first one first (`asc`, default), or the last one. */
  readonly order?: 'asc' | 'desc';
}

/** A history that can be read: up to before `until`. */
export interface OpenedHistory<T> {
  readonly scan: Scan<T>;
  readonly until: RowPosition;
  readonly slices: Slices;
  /** To be run before anything is read. */
  readonly ready: Observable<never>;
  /** Which rows are hidden; `null` where all are shown. */
  readonly revisions: Revisions | null;
}

/** What a history needs of its stream. */
export interface HistorySource<T> {
  /** @throws MillraceError `NOT_STARTED`, `CLOSED` */
  open(query: HistoryQuery): OpenedHistory<T>;
  onClose(callback: () => void): () => void;
}

/**
 * Events that were committed when the reading began. An `Observable`, which takes them as fast as they can be read, and an
 * async iterable, which reads on only as its consumer does. Both hold a bounded number of rows, however many there are.
 */
export class History<T> extends Observable<T> implements AsyncIterable<T> {
  constructor(
    private readonly source_: HistorySource<T>,
    private readonly query: HistoryQuery,
    private readonly signal: AbortSignal | undefined,
  ) {
    super((subscriber) => {
      if (this.signal?.aborted) return subscriber.complete();
      // Before rows come: they may all come at once.
      subscriber.add(onAbort(this.signal, () => subscriber.complete()));
      const run = this.run({
        next: (row) => subscriber.next(row),
        error: (error) => subscriber.error(error),
        complete: () => subscriber.complete(),
        wantsMore: () => !subscriber.closed,
      });
      return () => run.stop();
    });
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<T> {
    return new RowIterator<T, T>((sink) => this.run(sink), asEvent, this.signal);
  }

  private run(sink: ReadSink<T>): Running {
    const { query } = this;
    const { scan, until, slices, ready } = this.source_.open(query);
    const next = () => (query.order === 'asc' ? scan.next(until) : scan.nextBack());
    let isReady = false;
    const begin = () => {
      isReady = true;
      return next();
    };
    let left = query.limit;
    const takeEach = (row: T) => {
      sink.next(row, 0, 0);
      return true;
    };
    const takeLimited = (row: T) => {
      sink.next(row, 0, 0);
      if (--left > 0) return true;
      end();
      return false;
    };
    const puller = new Puller<T>(
      {
        next: () => (isReady ? next() : concat(ready, defer(begin))),
        take: query.limit === Infinity ? takeEach : takeLimited,
        withPositions: false,
        wantsMore: () => sink.wantsMore(),
        caughtUp: () => end(),
        failed: (error) => fail(error),
      },
      slices,
    );
    const release = this.source_.onClose(() => fail(closedMeanwhile()));
    const fail = (error: MillraceError) => {
      stop();
      sink.error(error);
    };
    const stop = () => {
      release();
      puller.stop();
    };
    const end = () => {
      stop();
      sink.complete();
    };
    if (left > 0) puller.resume();
    else end();
    return { resume: () => puller.resume(), stop };
  }
}

/** A history that ends early must not pass for a whole one. */
export function closedMeanwhile(): MillraceError {
  return new MillraceError('CLOSED', 'The mill was closed while its history was read; what was read is not all of it.');
}
