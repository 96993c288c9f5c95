import { MillraceError, SchemaError } from '../errors.js';
import type { Ingest } from './ingest.js';
import { type AppendedMany, afterSome, ManyReceipt } from './receipts.js';

/** What `appendMany` needs of its stream. */
export interface AppendTarget<I, T> {
  /** The way into the log. @throws MillraceError `NOT_STARTED`, `CLOSED` */
  writing(): Ingest<I, T>;
  /** Hears when the mill has closed; the returned function ends that. */
  onClose(callback: () => void): () => void;
}

/** `appendMany` of a stream; see there. */
export async function appendMany<I, T>(
  target: AppendTarget<I, T>,
  events: readonly I[] | Iterable<I> | AsyncIterable<I>,
  signal?: AbortSignal,
): Promise<AppendedMany> {
  signal?.throwIfAborted();
  const taking = new Taking(target);
  const abort = () => taking.stop(signal!.reason);
  signal?.addEventListener('abort', abort);
  const release = target.onClose(() => taking.closed());
  try {
    // The array is copied, its events are not: they must stay as they are until the promise settles.
    if (Array.isArray(events)) await taking.array(events.slice());
    else if (isIterable(events, Symbol.asyncIterator)) await taking.asyncIterable(events as AsyncIterable<I>);
    else if (isIterable(events, Symbol.iterator)) await taking.iterable(events as Iterable<I>);
    else throw notIterable();
  } catch (error) {
    // What was taken before is on its way: the error is told when it has arrived.
    throw afterSome(error, (await taking.finished()).count);
  } finally {
    release();
    signal?.removeEventListener('abort', abort);
  }
  return taking.finished();
}

/** The events of one call on their way into the log: how many are in a commit, and what ends the taking early. */
class Taking<I, T> {
  private count = 0;
  private stopped: { readonly reason: unknown } | null = null;
  private endWait: (reason: unknown) => void = () => {};
  private readonly receipt: ManyReceipt;
  private readonly settled: Promise<AppendedMany>;

  constructor(private readonly target: AppendTarget<I, T>) {
    let settle: [(appended: AppendedMany) => void, (error: unknown) => void];
    this.settled = new Promise((resolve, reject) => {
      settle = [resolve, reject];
    });
    this.settled.catch(() => {});
    const [resolve, reject] = settle!;
    this.receipt = new ManyReceipt(resolve, (error) => {
      reject(error);
      this.stop(error);
    });
  }

  /** Takes nothing more; ends the wait for an event or for room. */
  stop(reason: unknown): void {
    this.stopped ??= { reason };
    this.endWait(reason);
  }

  closed(): void {
    try {
      this.target.writing();
    } catch (error) {
      this.stop(error);
    }
  }

  /** Resolves when everything that was taken is as safe as the level promises. */
  finished(): Promise<AppendedMany> {
    this.receipt.expect(this.count);
    return this.settled;
  }

  /** Checks all events first, so that a bad one means that none is written. */
  async array(events: readonly I[]): Promise<void> {
    const ingest = this.target.writing();
    checkAll(ingest, events);
    await this.whileRoom(ingest, () => {
      ingest.appendRows(events, this.count, this.receipt, (at) => {
        this.count = at;
      });
      return this.count === events.length;
    });
  }

  async iterable(events: Iterable<I>): Promise<void> {
    for (const event of events) {
      const wait = this.event(event);
      if (wait) await wait;
    }
  }

  async asyncIterable(events: AsyncIterable<I>): Promise<void> {
    const iterator = events[Symbol.asyncIterator]();
    let isEnded = false;
    try {
      for (;;) {
        const { done, value } = await this.wait<IteratorResult<I>>((resolve, reject) => {
          Promise.resolve(iterator.next()).then(resolve, (error) => {
            isEnded = true;
            reject(error);
          });
        });
        if (done) {
          isEnded = true;
          return;
        }
        await this.event(value);
      }
    } finally {
      // Not awaited: a generator that waits for its source would hold us up.
      if (!isEnded) Promise.resolve(iterator.return?.()).catch(() => {});
    }
  }

  /** Takes an event: now, or when there is room. */
  private event(event: I): Promise<void> | undefined {
    const ingest = this.target.writing();
    const take = () => {
      try {
        ingest.appendTaken(event, this.receipt);
      } catch (error) {
        throw inRow(error, this.count);
      }
      this.count++;
      return true;
    };
    if (this.stopped !== null || !ingest.hasRoom) return this.whileRoom(ingest, take);
    take();
  }

  private whileRoom(ingest: Ingest<I, T>, put: () => boolean): Promise<void> {
    return this.wait((resolve, reject) => ingest.whileRoom(() => this.stopped !== null || put(), resolve, reject));
  }

  /** What `begin` gives, or the reason for which the taking ends meanwhile. */
  private wait<R>(begin: (resolve: (value: R) => void, reject: (error: unknown) => void) => void): Promise<R> {
    return new Promise((resolve, reject) => {
      if (this.stopped) return reject(this.stopped.reason);
      this.endWait = reject;
      begin(resolve, reject);
    });
  }
}

function checkAll<I, T>(ingest: Ingest<I, T>, events: readonly I[]): void {
  let at = 0;
  try {
    for (; at < events.length; at++) ingest.codec.check(events[at]);
  } catch (error) {
    throw inRow(error, at);
  }
}

function inRow(error: unknown, row: number): unknown {
  if (!(error instanceof SchemaError)) return error;
  const { stream, column } = error;
  return new SchemaError(`Event ${row}: ${error.message}`, { stream, column, row });
}

function isIterable(events: unknown, symbol: symbol): boolean {
  return typeof events === 'object' && events !== null && symbol in events;
}

function notIterable(): MillraceError {
  return new MillraceError(
    'INVALID_ARGUMENT',
    'appendMany takes an array, an iterable or an async iterable of events.',
  );
}
