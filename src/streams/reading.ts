import { Observable } from 'rxjs';
import { MillraceError } from '../errors.js';
import type { Follower } from './follow.js';
import { onAbort, type ReadSink, RowIterator, type Running, type Shape } from './row-iterator.js';

/**
 * Where reading begins: with the first event that is kept, with the next one, with the first event whose lsn is this one or
 * higher, or, for a `Date`, with the first one, in the order of lsns, whose event time is not before it.
 */
export type Position = 'earliest' | 'latest' | number | Date;

export interface ReadOptions {
  /** Ends the reading: Observables complete, iterations throw the signal's reason. */
  readonly signal?: AbortSignal;
}

/** An event with where it stands. */
export interface Recorded<T> {
  readonly lsn: number;
  /**
   * 0 for an event that was logged. Of a derived row, which of those it is that one event, or tick, caused; one that is live only, as
   * an update of a window that is open, has that of the next one that is kept.
   */
  readonly index: number;
  readonly event: T;
}

export const asEvent = <T>(row: T): T => row;
export const asRecord = <T>(event: T, lsn: number, index: number): Recorded<T> => ({ lsn, index, event });

/** What a reading needs of its stream. */
export interface ReadSource<T> {
  /** @throws MillraceError `NOT_STARTED`, `CLOSED` */
  follow(position: Position, sink: ReadSink<T>): Follower<T>;
  /** Hears when the mill closes. */
  onClose(callback: () => void): () => void;
}

/**
 * Events from a position on: history, then live, without gap or double. An `Observable`, which takes events as fast as
 * they can be read, and an async iterable, which reads on only as its consumer does. Ends when the mill closes.
 *
 * @example
 * for await (const reading of readings.from('earliest')) console.log(reading);
 */
export class Reading<T, R = T> extends Observable<R> implements AsyncIterable<R> {
  constructor(
    private readonly source_: ReadSource<T>,
    private readonly position: Position,
    private readonly shape: Shape<T, R>,
    private readonly options: ReadOptions,
  ) {
    super((subscriber) => {
      if (this.options.signal?.aborted) return subscriber.complete();
      // Before rows come: they may all come at once.
      subscriber.add(onAbort(this.options.signal, () => subscriber.complete()));
      const run = this.follow({
        next: (row, lsn, index) => subscriber.next(this.shape(row, lsn, index)),
        error: (error) => subscriber.error(error),
        complete: () => subscriber.complete(),
        wantsMore: () => !subscriber.closed,
      });
      return () => run.stop();
    });
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<R> {
    return new RowIterator<T, R>((sink) => this.follow(sink), this.shape, this.options.signal);
  }

  private follow(sink: ReadSink<T>): Running {
    const follower = this.source_.follow(this.position, sink);
    const release = this.source_.onClose(() => {
      follower.stop();
      sink.complete();
    });
    if (this.position === 'latest') follower.goLive();
    else follower.resume();
    return {
      resume: () => follower.resume(),
      stop: () => {
        release();
        follower.stop();
      },
    };
  }
}

/** @throws MillraceError `INVALID_ARGUMENT` */
export function assertPosition(position: unknown): asserts position is Position {
  if (position === 'earliest' || position === 'latest' || (Number.isSafeInteger(position) && (position as number) >= 0))
    return;
  if (position instanceof Date && Number.isFinite(position.getTime())) return;
  throw new MillraceError(
    'INVALID_ARGUMENT',
    `A position is 'earliest', 'latest', an lsn (a whole number from 0 on) or a valid Date, not ${String(position)}.`,
  );
}
