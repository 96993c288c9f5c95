import { defer, lastValueFrom, Observable } from 'rxjs';
import { currentScope } from '../operators/pipeline-scope.js';
import type { Batch } from '../wal/batch.js';
import type { ColumnLayout } from '../wal/column.js';
import type { StreamTarget } from './apply.js';
import { Pipeline } from './derived/pipeline.js';
import type { RowSink } from './follow.js';
import { type BatchesOptions, batchesOf } from './history/batches.js';
import type { ColumnBatch } from './history/column-batch.js';
import { History, type HistoryOptions } from './history/history.js';
import { keyQuery, queryOf } from './history/query.js';
import { type HistoryContext, StreamHistory } from './history/stream-history.js';
import { toldAsUnread } from './history/unread.js';
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
import { RowCodec, type RowReader } from './row-codec.js';

/** What a stream needs of its mill to be read. */
export interface ReadHost<C extends HistoryContext = HistoryContext> {
  /** The mill while it is live. @throws MillraceError `NOT_STARTED`, `CLOSED` */
  live(use: string): C;
  /** Hears when what was appended is applied, and reading ends. */
  onClose(callback: () => void): () => void;
}

/**
 * A named, typed, keyed, durable history of events, and an `Observable` of the events that are committed from now on. Rows are
 * made from the log's bytes. All subscribers get the same row: do not change it.
 */
export abstract class ReadStream<T> extends Observable<T> implements AsyncIterable<T> {
  private sinks: readonly RowSink<T>[] = [];
  private isEnded = false;
  private stored: StreamHistory<T> | null = null;
  protected codec: RowCodec<T>;

  constructor(
    readonly name: string,
    public columns: readonly ColumnLayout[],
    private readonly readHost: ReadHost,
  ) {
    super((subscriber) => {
      const pipeline = currentScope();
      if (pipeline instanceof Pipeline) pipeline.input(this, subscriber);
      else if (!subscriber.closed) return this.attach(subscriber);
    });
    this.codec = new RowCodec(name, columns);
  }

  /** Live events with their positions; from a position on, history first. */
  records(): Observable<Recorded<T>>;
  records(from: Position, options?: ReadOptions): Reading<T, Recorded<T>>;
  records(from?: Position, options: ReadOptions = {}): Observable<Recorded<T>> {
    if (from !== undefined) {
      assertPosition(from);
      return new Reading(this.readSource, from, asRecord<T>, options);
    }
    return new Observable((subscriber) =>
      this.attach({
        next: (row, lsn, index) => subscriber.next(asRecord(row, lsn, index)),
        complete: () => subscriber.complete(),
      }),
    );
  }

  /**
   * Events from a position on: history, then live, without gap or double. Of a derived stream with windows every revision comes, and so
   * does what takes a window back: this is the log of what changed, where `history` is how it is now.
   *
   * @throws MillraceError `INVALID_ARGUMENT` for what is not a position
   */
  from(position: Position, options: ReadOptions = {}): Reading<T> {
    assertPosition(position);
    return new Reading(this.readSource, position, asEvent<T>, options);
  }

  /**
   * Events that are committed now, in the order in which they were written: of a range of event time, of a key, some
   * columns, a number of them.
   *
   * @throws MillraceError `INVALID_ARGUMENT` for a column that is none, a key that is none, bounds that are no times
   * @example
   * for await (const { ts, temperature } of readings.history({ from: yesterday, where: { device: 'a7' }, columns: ['ts', 'temperature'] })) …
   */
  history<C extends keyof T = keyof T>(options: HistoryOptions<T, C> = {}): History<Pick<T, C>> {
    const query = queryOf(this.name, this.columns, options);
    const source = {
      open: () => this.reading.open(query),
      onClose: (callback: () => void) => this.readHost.onClose(callback),
    };
    return new History<Pick<T, C>>(source as never, query, options.signal);
  }

  /**
   * The same events column by column, in batches of up to 65,536 rows: the fastest way to look at many. Batches come in the order
   * in which events were written; rows inside a batch are sorted by key.
   *
   * @example
   * let sum = 0;
   * await readings.batches({ columns: ['temperature'], reuse: true }).forEach(({ rows, columns: { temperature } }) => {
   *   let part = 0;
   *   for (let row = 0; row < rows; row++) part += temperature[row];
   *   sum += part;
   * });
   */
  batches<C extends keyof T = keyof T>(options: BatchesOptions<T, C> = {}): Observable<ColumnBatch<Pick<T, C>>> {
    const query = queryOf(this.name, this.columns, options);
    const onClose = (callback: () => void) => this.readHost.onClose(callback);
    return batchesOf<Pick<T, C>>(() => this.reading, query, options, onClose);
  }

  /**
   * The last event of a key, by position: `undefined` where there is none. Of windows it is the one that was emitted last, be it for the
   * first time or corrected, if it was not taken back. The key is the value of the key column, or an
   * object with all key columns.
   *
   * @example
   * const { temperature } = await readings.latest('a7');
   */
  async latest(key: unknown): Promise<T | undefined> {
    const query = keyQuery(this.name, this.columns, key);
    const source = { open: () => this.reading.open(query), onClose: () => () => {} };
    return lastValueFrom(new History<T>(source, query, undefined), { defaultValue: undefined });
  }

  /**
   * How many events are kept; of windows that were corrected, those that `history` gives.
   *
   * @throws MillraceError `INVALID_ARGUMENT`
   */
  count(options: Pick<HistoryOptions<T>, 'revisions'> = {}): Promise<number> {
    const { revisions } = queryOf(this.name, this.columns, options);
    return lastValueFrom(defer(() => this.reading.count(revisions)).pipe(toldAsUnread()));
  }

  /** Iterates over live events; what a slow consumer has not taken stays in the log. */
  [Symbol.asyncIterator](): AsyncIterableIterator<T> {
    return this.from('latest')[Symbol.asyncIterator]();
  }

  /** The stream is known to the log under this number now, with these columns. */
  protected connectReading(
    context: HistoryContext,
    id: number,
    columns: readonly ColumnLayout[],
    hasRevisions = false,
  ): void {
    this.columns = columns;
    this.codec = new RowCodec(this.name, columns);
    this.stored = new StreamHistory(context, id, this.name, this.codec, {
      attach: (sink) => this.attach(sink),
      onClose: (callback) => this.readHost.onClose(callback),
      hasRevisions,
    });
    context.apply.connect(id, this.target);
  }

  /** @internal */
  completeSubscribers(): void {
    const { sinks } = this;
    this.isEnded = true;
    this.sinks = [];
    for (const sink of sinks) sink.complete();
  }

  /** Gives a row to those who listen. */
  protected emitRow(row: unknown, lsn: number, index: number, group: object): void {
    for (const sink of this.sinks) sink.next(row as T, lsn, index, group);
  }

  private readonly target: StreamTarget = {
    wantsRows: () => this.sinks.length > 0,
    reader: (batch: Batch): RowReader<unknown> => this.codec.reader(batch),
    emit: (row, lsn, index, group) => this.emitRow(row, lsn, index, group),
  };

  private readonly readSource: ReadSource<T> = {
    follow: (position, sink) => this.reading.follow(position, sink),
    onClose: (callback) => this.readHost.onClose(callback),
  };

  /** @throws MillraceError `NOT_STARTED`, `CLOSED` */
  private get reading(): StreamHistory<T> {
    this.readHost.live(`read "${this.name}"`);
    return this.stored!;
  }

  private attach(sink: RowSink<T>): () => void {
    if (this.isEnded) sink.complete();
    else this.sinks = [...this.sinks, sink];
    return () => {
      this.sinks = this.sinks.filter((other) => other !== sink);
    };
  }
}
