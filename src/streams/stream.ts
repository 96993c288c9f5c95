import type { Writable } from 'node:stream';
import { defer, Observable, type OperatorFunction, takeUntil } from 'rxjs';
import { MillraceError } from '../errors.js';
import { type WalOptions, wal } from '../operators/wal.js';
import type { Batch } from '../wal/batch.js';
import type { ColumnLayout } from '../wal/column.js';
import type { Commit } from '../wal/commit.js';
import { appendColumns, type ColumnsInput } from './append-columns.js';
import { appendMany } from './append-many.js';
import type { StreamTarget } from './apply.js';
import type { FollowContext, RowSink } from './follow.js';
import { Ingest, type IngestContext } from './ingest.js';
import {
  asEvent,
  asRecord,
  assertPosition,
  type Position,
  Reading,
  type ReadOptions,
  type ReadSource,
  type Recorded,
} from './reading.js';
import { type Appended, type AppendedMany, AppendReceipt } from './receipts.js';
import { bytesOf, RowCodec, type RowReader } from './row-codec.js';
import { writableOf } from './writable.js';

/** What a stream needs of its mill. */
export interface StreamHost {
  /** The mill while it is live. @throws MillraceError `NOT_STARTED`, `CLOSED` */
  live(use: string): IngestContext & FollowContext;
  /** Hears when the mill begins to close: it takes nothing more. */
  onClosing(callback: () => void): () => void;
  /** Hears when what was appended is applied, and reading ends. */
  onClose(callback: () => void): () => void;
  /** How many appends may wait for room. */
  appendsWaitingMax(): number;
}

/**
 * A named, typed, keyed, durable history of events, and an `Observable` of the events that are committed from now on.
 * `T` is what its rows are, `I` what `append` takes. Declared with `mill.stream(name, { schema })`.
 *
 * Rows are made from the log's bytes, never the object that was appended. All subscribers get the same row: do not change it.
 */
export class DurableStream<T, I = T> extends Observable<T> implements AsyncIterable<T> {
  private sinks: readonly RowSink<T>[] = [];
  private isEnded = false;
  private ingest: Ingest<I, T> | null = null;
  private codec: RowCodec<T>;

  /** @internal Use `mill.stream()`. */
  constructor(
    readonly name: string,
    public columns: readonly ColumnLayout[],
    private readonly host: StreamHost,
  ) {
    super((subscriber) => {
      if (!subscriber.closed) return this.attach(subscriber);
    });
    this.codec = new RowCodec(name, columns);
  }

  /**
   * Appends one event. Resolves once it is as safe as the mill's level promises, applied, and emitted to subscribers.
   *
   * @throws SchemaError (as a rejection) for a value that does not fit; nothing was written
   * @throws MillraceError `NOT_WRITTEN` (safe to repeat), `OUTCOME_UNKNOWN`, `POISONED`, `FULL`, `NOT_STARTED`, `CLOSED`
   * @example
   * const { lsn } = await readings.append({ ts: Date.now(), device: 'a7', temperature: 21.5 });
   */
  append(event: I): Promise<Appended> {
    return new Promise((resolve, reject) => {
      const ingest = this.writing();
      const receipt = new AppendReceipt(resolve, reject);
      if (ingest.hasRoom) return ingest.append(event, receipt);
      // What it is now goes into the log, whatever the caller does to it while it waits.
      const copy = ingest.codec.copyOf(event);
      const leave = ingest.askToWait(this.host.appendsWaitingMax(), bytesOf(copy));
      ingest.whenRoom(() => {
        leave();
        try {
          ingest.appendCopy(copy, receipt);
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  /**
   * Appends many events; resolves like `append` for the last of them. An array is checked whole before anything is
   * written; of another (async) iterable, what came before a bad event is written and the error says how many.
   * Waits for the log rather than filling memory. Not atomic over commits: after `NOT_WRITTEN` of one, events of others
   * may be written.
   */
  appendMany(events: readonly I[] | Iterable<I> | AsyncIterable<I>, options: ReadOptions = {}): Promise<AppendedMany> {
    const onClose = (callback: () => void) => this.host.onClose(callback);
    return appendMany({ writing: () => this.writing(), onClose }, events, options.signal);
  }

  /**
   * Appends rows given column by column: typed arrays of one length (or plain arrays), the fastest way in. A key or text
   * column may also be `{ values, indexes }`: distinct values, and which of them each row has. The arrays are copied.
   *
   * @example
   * await readings.appendColumns({ ts: Float64Array.of(1, 2), device: ['a7', 'b2'], temperature: Float64Array.of(21, 22) });
   */
  async appendColumns(columns: ColumnsInput<I>): Promise<AppendedMany> {
    return appendColumns(this.writing(), this.name, columns as ColumnsInput<unknown>);
  }

  /**
   * An operator that appends each event of its source and emits it once it is durable. `full` says what happens when
   * events come faster than that; see `WhenFull`. When the mill closes it takes no more and completes.
   *
   * @example
   * sensor$.pipe(readings.write()).subscribe();
   */
  write(options: WalOptions<I> = {}): OperatorFunction<I, T> {
    const closing$ = new Observable<void>((subscriber) => this.host.onClosing(() => subscriber.next()));
    return (source) => defer(() => source.pipe(takeUntil(closing$), wal(this.writing(), options)));
  }

  /** A Node `Writable` (object mode) that appends; it waits for the log, and `finish` comes when everything is durable. */
  writable(): Writable {
    return writableOf(() => this.writing());
  }

  /** Live events with their positions and commit times; from a position on, history first. */
  records(): Observable<Recorded<T>>;
  records(from: Position, options?: ReadOptions): Reading<T, Recorded<T>>;
  records(from?: Position, options: ReadOptions = {}): Observable<Recorded<T>> {
    if (from !== undefined) {
      assertPosition(from);
      return new Reading(this.readSource, from, asRecord<T>, options);
    }
    return new Observable((subscriber) =>
      this.attach({
        next: (row, lsn, commit) => subscriber.next(asRecord(row, lsn, commit)),
        complete: () => subscriber.complete(),
      }),
    );
  }

  /**
   * Events from a position on: history, then live, without gap or double.
   *
   * @throws MillraceError `INVALID_ARGUMENT` for what is not a position; `NO_HISTORY` at level `off`
   */
  from(position: Position, options: ReadOptions = {}): Reading<T> {
    assertPosition(position);
    return new Reading(this.readSource, position, asEvent<T>, options);
  }

  /** Iterates over live events; what a slow consumer has not taken stays in the log. */
  [Symbol.asyncIterator](): AsyncIterableIterator<T> {
    return this.from('latest')[Symbol.asyncIterator]();
  }

  /** @internal The stream is known to the log under this number now, with these columns. */
  connect(context: IngestContext & FollowContext, id: number): void {
    const layout = context.catalog.find(this.name)!.versions.at(-1)!;
    this.columns = layout.columns;
    this.codec = new RowCodec(this.name, layout.columns);
    this.ingest = new Ingest(context, this.codec, layout, this.name);
    context.apply.connect(id, this.target);
  }

  /** @internal */
  completeSubscribers(): void {
    const { sinks } = this;
    this.isEnded = true;
    this.sinks = [];
    for (const sink of sinks) sink.complete();
  }

  private readonly target: StreamTarget = {
    wantsRows: () => this.sinks.length > 0,
    reader: (batch: Batch): RowReader<unknown> => this.codec.reader(batch),
    emit: (row: unknown, lsn: number, commit: Commit) => {
      for (const sink of this.sinks) sink.next(row as T, lsn, commit);
    },
  };

  private readonly readSource: ReadSource<T> = {
    context: () => this.host.live('read from'),
    followed: {
      rowsOf: (commit, next) => this.ingest!.rowsOf(commit, next),
      attach: (sink) => this.attach(sink),
      lossFor: () => (this.isLogged ? null : this.noHistory('take events as fast as they come')),
    },
    lsnOf: (position) => this.lsnOf(position),
    onClose: (callback) => this.host.onClose(callback),
  };

  private attach(sink: RowSink<T>): () => void {
    if (this.isEnded) sink.complete();
    else this.sinks = [...this.sinks, sink];
    return () => {
      this.sinks = this.sinks.filter((other) => other !== sink);
    };
  }

  private lsnOf(position: Position): number {
    const { writer, apply } = this.host.live('read from');
    if (position === 'latest') return apply.nextLsn;
    if (!this.isLogged && (position === 'earliest' || position < writer.nextLsn))
      throw this.noHistory("read from 'latest'");
    return position === 'earliest' ? 0 : position;
  }

  private get isLogged(): boolean {
    return this.ingest!.level !== 'off';
  }

  private noHistory(advice: string): MillraceError {
    const message = `Stream "${this.name}" keeps no history at level "off"; use level "sync" or "flush", or ${advice}.`;
    return new MillraceError('NO_HISTORY', message, { stream: this.name });
  }

  private writing(): Ingest<I, T> {
    this.host.live(`append to "${this.name}"`);
    return this.ingest!;
  }
}
