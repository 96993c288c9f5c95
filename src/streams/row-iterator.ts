import { Queue } from '../wal/queue.js';

/** Takes rows, and where they stand, from something that reads. */
export interface ReadSink<T> {
  next(row: T, lsn: number, index: number): void;
  error(error: unknown): void;
  complete(): void;
  /** Whether more rows are wanted just now. */
  wantsMore(): boolean;
}

/** Something that reads rows into a sink. */
export interface Running {
  /** Goes on after the sink wanted no more. */
  resume(): void;
  stop(): void;
}

/** What a row becomes for who asked. */
export type Shape<T, R> = (row: T, lsn: number, index: number) => R;

/** Rows that an iteration may hold that its consumer has not asked for; beyond it, reading waits. */
const ROWS_AHEAD_MAX = 1_024;

/** Rows on demand: holds at most about `ROWS_AHEAD_MAX`, of live ones also the rest of a commit. */
export class RowIterator<T, R> implements AsyncIterableIterator<R> {
  private readonly rows = new Queue<R>();
  private readonly waiting = new Queue<{
    resolve: (result: IteratorResult<R>) => void;
    reject: (error: unknown) => void;
  }>();
  private readonly running: Running | undefined;
  private readonly release: (() => void) | undefined;
  private ending: { readonly error?: unknown } | null = null;

  constructor(read: (sink: ReadSink<T>) => Running, shape: Shape<T, R>, signal: AbortSignal | undefined) {
    if (signal?.aborted) {
      this.ending = { error: signal.reason };
      return;
    }
    this.running = read({
      next: (row, lsn, index) => this.put(shape(row, lsn, index)),
      error: (error) => this.end({ error }),
      complete: () => this.end({}),
      wantsMore: () => this.rows.size < ROWS_AHEAD_MAX,
    });
    this.release = onAbort(signal, () => this.abort(signal!.reason));
    // It may have ended while it was being made.
    if (this.ending !== null) this.letGo();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<R>> {
    if (this.rows.size > 0) {
      const value = this.rows.shift();
      if (this.ending !== null) this.letGo();
      else if (this.rows.size < ROWS_AHEAD_MAX / 2) this.running?.resume();
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

  /** Also where everything was read already: an abort must not pass for the end of what there is. */
  private abort(reason: unknown): void {
    this.rows.clear();
    this.ending = { error: reason };
    this.end(this.ending);
  }

  private letGo(): void {
    this.running?.stop();
    if (this.rows.size === 0) this.release?.();
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

export function onAbort(signal: AbortSignal | undefined, callback: () => void): () => void {
  if (signal === undefined) return () => {};
  if (signal.aborted) {
    callback();
    return () => {};
  }
  signal.addEventListener('abort', callback, { once: true });
  return () => signal.removeEventListener('abort', callback);
}
