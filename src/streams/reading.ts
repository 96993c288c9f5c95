import { Observable } from 'rxjs';
import { MillraceError } from '../errors.js';
import { Queue } from '../wal/queue.js';
import { type FollowContext, type FollowedStream, Follower, type FollowerSink } from './follow.js';

/**
 * Where reading begins: with the first event that is kept, with the next one, or with the first event whose lsn is this
 * one or higher.
 */
export type Position = 'earliest' | 'latest' | number;

export interface ReadOptions {
  /** Ends the reading: Observables complete, iterations throw the signal's reason. */
  readonly signal?: AbortSignal;
}

/** An event with where it stands. */
export interface Recorded<T> {
  readonly lsn: number;
  /** 0 for an event that was logged; the ordinal of a derived row. */
  readonly index: number;
  readonly commit: number;
  /** When its commit was sealed: milliseconds since the epoch. */
  readonly commitTime: number;
  readonly event: T;
}

/** What a reading needs of its stream: a follower from a position, into a sink of this reading's. */
export interface ReadSource<T> {
  /** @throws MillraceError `NOT_STARTED`, `CLOSED` */
  context(): FollowContext;
  readonly followed: FollowedStream<T>;
  lsnOf(position: Position): number;
  /** Hears when the mill closes. */
  onClose(callback: () => void): () => void;
}

/** Rows that an iteration may hold that its consumer has not asked for; beyond it, reading waits. */
const ROWS_AHEAD_MAX = 1_024;

type Shape<T, R> = (row: T, lsn: number, commit: { readonly number: number; readonly time: number }) => R;

export const asEvent = <T>(row: T): T => row;
export const asRecord = <T>(
  event: T,
  lsn: number,
  commit: { readonly number: number; readonly time: number },
): Recorded<T> => ({
  lsn,
  index: 0,
  commit: commit.number,
  commitTime: commit.time,
  event,
});

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
      const run = this.follow({
        next: (row, lsn, commit) => subscriber.next(this.shape(row, lsn, commit)),
        error: (error) => subscriber.error(error),
        complete: () => subscriber.complete(),
        wantsMore: () => !subscriber.closed,
      });
      const release = onAbort(this.options.signal, () => subscriber.complete());
      return () => {
        release();
        run.stop();
      };
    });
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<R> {
    return new RowIterator<T, R>((sink) => this.follow(sink), this.shape, this.options.signal);
  }

  private follow(sink: FollowerSink<T>): Running {
    const follower = new Follower(
      this.source_.context(),
      this.source_.followed,
      this.source_.lsnOf(this.position),
      sink,
    );
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

interface Running {
  resume(): void;
  stop(): void;
}

/** Rows on demand: holds at most about `ROWS_AHEAD_MAX` and the rest of a commit. */
class RowIterator<T, R> implements AsyncIterableIterator<R> {
  private readonly rows = new Queue<R>();
  private readonly waiting = new Queue<{
    resolve: (result: IteratorResult<R>) => void;
    reject: (error: unknown) => void;
  }>();
  private readonly running: Running | undefined;
  private readonly release: (() => void) | undefined;
  private ending: { readonly error?: unknown } | null = null;

  constructor(follow: (sink: FollowerSink<T>) => Running, shape: Shape<T, R>, signal: AbortSignal | undefined) {
    this.running = follow({
      next: (row, lsn, commit) => this.put(shape(row, lsn, commit)),
      error: (error) => this.end({ error }),
      complete: () => this.end({}),
      wantsMore: () => this.rows.size < ROWS_AHEAD_MAX,
    });
    this.release = onAbort(signal, () => {
      this.rows.clear();
      this.end({ error: signal!.reason });
    });
    // It may have ended while it was being made.
    if (this.ending !== null) this.letGo();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<R>> {
    if (this.rows.size > 0) {
      const value = this.rows.shift();
      if (this.rows.size < ROWS_AHEAD_MAX / 2 && this.ending === null) this.running?.resume();
      return Promise.resolve({ done: false, value });
    }
    if (this.ending !== null) return this.ended();
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject });
      this.running?.resume();
    });
  }

  return(): Promise<IteratorResult<R>> {
    this.rows.clear();
    this.end({});
    return Promise.resolve({ done: true, value: undefined });
  }

  private put(row: R): void {
    if (this.ending !== null) return;
    if (this.waiting.size > 0) this.waiting.shift().resolve({ done: false, value: row });
    else this.rows.push(row);
  }

  private end(ending: { readonly error?: unknown }): void {
    this.ending ??= ending;
    this.letGo();
    while (this.waiting.size > 0) void this.ended().then(...settle(this.waiting.shift()));
  }

  private letGo(): void {
    this.running?.stop();
    this.release?.();
  }

  private ended(): Promise<IteratorResult<R>> {
    const ending = this.ending!;
    if (!('error' in ending)) return Promise.resolve({ done: true, value: undefined });
    this.ending = {};
    return Promise.reject(ending.error);
  }
}

function settle<R>(waiting: { resolve: (result: IteratorResult<R>) => void; reject: (error: unknown) => void }) {
  return [waiting.resolve, waiting.reject] as const;
}

function onAbort(signal: AbortSignal | undefined, callback: () => void): () => void {
  if (signal === undefined) return () => {};
  if (signal.aborted) {
    callback();
    return () => {};
  }
  signal.addEventListener('abort', callback, { once: true });
  return () => signal.removeEventListener('abort', callback);
}

/** @throws MillraceError `INVALID_ARGUMENT` */
export function assertPosition(position: unknown): asserts position is Position {
  if (position === 'earliest' || position === 'latest' || (Number.isSafeInteger(position) && (position as number) >= 0))
    return;
  throw new MillraceError(
    'INVALID_ARGUMENT',
    `A position is 'earliest', 'latest' or an lsn (a whole number from 0 on), not ${String(position)}.`,
  );
}
