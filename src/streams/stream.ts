import type { Writable } from 'node:stream';
import { defer, Observable, type OperatorFunction, takeUntil } from 'rxjs';
import { type WalOptions, wal } from '../operators/wal.js';
import type { ColumnLayout } from '../wal/column.js';
import { appendColumns, type ColumnsInput } from './append-columns.js';
import { appendMany } from './append-many.js';
import type { HistoryContext } from './history/stream-history.js';
import { Ingest, type IngestContext } from './ingest.js';
import { type ReadHost, ReadStream } from './read-stream.js';
import type { ReadOptions } from './reading.js';
import { type Appended, type AppendedMany, AppendReceipt } from './receipts.js';
import { bytesOf } from './row-codec.js';
import { writableOf } from './writable.js';

/** What a stream needs of its mill. */
export interface StreamHost extends ReadHost<IngestContext & HistoryContext> {
  /** Hears when the mill begins to close: it takes nothing more. */
  onClosing(callback: () => void): () => void;
  /** How many appends may wait for room. */
  appendsWaitingMax(): number;
}

/**
 * A named, typed, keyed, durable history of events, and an `Observable` of the events that are committed from now on.
 * `T` is what its rows are, `I` what `append` takes. Declared with `mill.stream(name, { schema })`.
 *
 * Rows are made from the log's bytes, never the object that was appended. All subscribers get the same row: do not change it.
 */
export class DurableStream<T, I = T> extends ReadStream<T> {
  private ingest: Ingest<I, T> | null = null;

  /** @internal Use `mill.stream()`. */
  constructor(
    name: string,
    columns: readonly ColumnLayout[],
    private readonly host: StreamHost,
    /** How long its events are kept, in milliseconds; `null` for ever. */
    readonly retention: number | null = null,
  ) {
    super(name, columns, host);
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

  /** @internal The stream is known to the log under this number now, with these columns. */
  connect(context: IngestContext & HistoryContext, id: number): void {
    const layout = context.catalog.find(this.name)!.versions.at(-1)!;
    this.connectReading(context, id, layout.columns);
    this.ingest = new Ingest(context, this.codec, layout, this.name);
  }

  private writing(): Ingest<I, T> {
    this.host.live(`append to "${this.name}"`);
    return this.ingest!;
  }
}
