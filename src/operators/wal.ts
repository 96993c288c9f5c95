import { Observable, type OperatorFunction, Subject, type Subscriber, takeUntil } from 'rxjs';
import { MillraceError } from '../errors.js';
import type { Commit, CommitReceipt } from '../wal/commit.js';
import { Queue } from '../wal/queue.js';

/** Where `wal` appends: the log, as one stream's events see it. */
export interface Log<T, R = T> {
  /** Whether an event may be appended now. */
  readonly hasRoom: boolean;
  /** Calls back once, when there is room. */
  whenRoom(callback: () => void): void;
  /** Takes an event into the commit that is filling; the receipt hears of it. @throws MillraceError for one it does not take. */
  append(event: T, receipt: CommitReceipt): void;
  /** Reads events of a commit back from its bytes: those with the orders from `firstOrder` on. */
  read(commit: Commit, firstOrder: number, count: number, next: (event: R) => void): void;
}

/**
 * What `wal` does with an event while the log is full, as its source cannot be paused:
 * `error` ends the stream with `FULL` once everything taken so far is out; `dropNew` drops the event; `dropOld` keeps
 * the latest `bufferSize` events and drops older ones; `buffer` keeps them all, in memory without bound.
 */
export type WhenFull = 'error' | 'dropNew' | 'dropOld' | 'buffer';

export interface WalOptions<T> {
  /** Default `error`. */
  readonly full?: WhenFull;
  /** How many events `dropOld` keeps. Default 1,024. */
  readonly bufferSize?: number;
  /** Called with each event that is dropped. */
  readonly onDrop?: (event: T) => void;
}

/**
 * Appends each event before it emits it: what comes out is durable as the log's level promises, in the order of the
 * source, and made from the log's bytes. Completion waits for the last event; an error of the log, or an event that the
 * log refuses, errors the stream, once everything taken before is out. To unsubscribe does not take back what was taken.
 *
 * @throws MillraceError `INVALID_OPTION`
 * @example
 * sensor$.pipe(wal(log)).subscribe((event) => console.log('durable', event));
 */
export function wal<T, R = T>(log: Log<T, R>, options: WalOptions<T> = {}): OperatorFunction<T, R> {
  assertOptions(options);
  return (source) =>
    new Observable((subscriber) => {
      const stop = new Subject<void>();
      const writing = new Writing(log, options, subscriber, () => stop.next());
      // Before the source can emit: an endless synchronous one has to hear of a subscriber that leaves meanwhile.
      subscriber.add(() => {
        stop.next();
        writing.abandon();
      });
      source.pipe(takeUntil(stop)).subscribe({
        next: (event) => writing.take(event),
        error: (error) => writing.end(() => subscriber.error(error)),
        complete: () => writing.end(() => subscriber.complete()),
      });
    });
}

const WHEN_FULL: readonly WhenFull[] = ['error', 'dropNew', 'dropOld', 'buffer'];

function assertOptions({ full = 'error', bufferSize = 1 }: WalOptions<never>): void {
  if (!WHEN_FULL.includes(full))
    throw new MillraceError(
      'INVALID_OPTION',
      `Option full must be one of ${WHEN_FULL.join(', ')}, not ${String(full)}.`,
    );
  if (!Number.isSafeInteger(bufferSize) || bufferSize < 1)
    throw new MillraceError('INVALID_OPTION', `Option bufferSize must be a whole number from 1, not ${bufferSize}.`);
}

class Writing<T, R> implements CommitReceipt {
  private readonly full: WhenFull;
  private readonly bufferSize: number;
  private readonly buffer = new Queue<T>();
  private inLog = 0;
  private asksForRoom = false;
  private finish: (() => void) | null = null;

  constructor(
    private readonly log: Log<T, R>,
    private readonly options: WalOptions<T>,
    private readonly subscriber: Subscriber<R>,
    private readonly stopSource: () => void,
  ) {
    this.full = options.full ?? 'error';
    this.bufferSize = options.bufferSize ?? 1_024;
  }

  take(event: T): void {
    if (this.finish !== null) return;
    if (this.buffer.size === 0 && this.log.hasRoom) this.append(event);
    else this.overflow(event);
  }

  /** Ends once everything that was taken is out. */
  end(finish: () => void): void {
    this.finish ??= finish;
    this.settle();
  }

  abandon(): void {
    this.finish = () => {};
    this.buffer.clear();
  }

  committed(commit: Commit, firstOrder: number, count: number): void {
    this.inLog -= count;
    if (!this.subscriber.closed) this.log.read(commit, firstOrder, count, (event) => this.subscriber.next(event));
    this.settle();
  }

  failed(error: MillraceError): void {
    this.subscriber.error(error);
  }

  private append(event: T): void {
    try {
      this.log.append(event, this);
      this.inLog++;
    } catch (error) {
      this.stop(error);
    }
  }

  /** Takes nothing more; what was taken still comes out before the error. */
  private stop(error: unknown): void {
    // Also after the source has ended: the event that was not taken comes before its end.
    this.finish = () => this.subscriber.error(error);
    this.buffer.clear();
    this.stopSource();
    this.settle();
  }

  private overflow(event: T): void {
    if (this.full === 'error') this.stop(new MillraceError('FULL', fullMessage));
    else if (this.full === 'dropNew') this.options.onDrop?.(event);
    else {
      if (this.full === 'dropOld' && this.buffer.size >= this.bufferSize) this.options.onDrop?.(this.buffer.shift());
      this.buffer.push(event);
      this.askForRoom();
    }
  }

  private askForRoom(): void {
    if (this.asksForRoom) return;
    this.asksForRoom = true;
    this.log.whenRoom(() => {
      this.asksForRoom = false;
      while (this.buffer.size > 0 && this.log.hasRoom) this.append(this.buffer.shift());
      if (this.buffer.size > 0) this.askForRoom();
      this.settle();
    });
  }

  private settle(): void {
    if (this.finish !== null && this.inLog === 0 && this.buffer.size === 0) this.finish();
  }
}

const fullMessage =
  'The log is full: events come faster than they can be made durable, and an Observable cannot be paused. Everything before was written. ' +
  "Slow the source down, use append() or a Writable, which wait, or say what to do with write({ full: 'buffer' | 'dropNew' | 'dropOld' }).";
