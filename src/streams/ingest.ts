import { MillraceError } from '../errors.js';
import type { Log } from '../operators/wal.js';
import { Batch, streamIdOf } from '../wal/batch.js';
import type { Commit, CommitBuilder, CommitReceipt, StreamEntries } from '../wal/commit.js';
import type { StreamLayout } from '../wal/event-entry.js';
import type { Hash } from '../wal/hash.js';
import type { WalLevel } from '../wal/record.js';
import type { LogWriter } from '../wal/writer.js';
import type { Catalog } from './catalog.js';
import { eachRow } from './merge.js';
import { keyText, type Row, type RowCodec, type RowReader } from './row-codec.js';

/** What a stream needs to write: the mill's log while it is live. */
export interface IngestContext {
  readonly writer: LogWriter;
  readonly catalog: Catalog;
  readonly vgroups: number;
  readonly hash: Hash;
  /** @throws MillraceError `CLOSED` */
  readonly assertOpen: () => void;
}

/** Appends that wait hold at most this many bytes of values. */
const WAITING_BYTES_MAX = 256 * 1024 * 1024;

/** Brings the rows of one stream into the commit that is filling: checked, by VGroup, column by column. */
export class Ingest<I, T> implements Log<I, T> {
  private readonly writer: LogWriter;
  private readonly readable = new WeakMap<Commit, readonly ReadableBatch<T>[]>();

  constructor(
    private readonly context: IngestContext,
    readonly codec: RowCodec<T>,
    readonly layout: StreamLayout,
    private readonly stream: string,
  ) {
    this.writer = context.writer;
  }

  get hasRoom(): boolean {
    return this.writer.hasRoom;
  }

  get filling(): CommitBuilder {
    return this.writer.filling;
  }

  get level(): WalLevel {
    return this.writer.options.level;
  }

  /** What the commit that is filling still takes. */
  get room(): { readonly events: number; readonly bytes: number } {
    const { commitEventsMax, commitBytesMax } = this.writer.options;
    return { events: commitEventsMax - this.filling.events, bytes: commitBytesMax - this.filling.bytes };
  }

  whenRoom(callback: () => void): void {
    this.writer.whenRoom(callback);
  }

  append(row: I, receipt: CommitReceipt): void {
    this.context.assertOpen();
    this.appendTaken(row, receipt);
  }

  /** Appends an event that was taken before the mill began to close, and waited for room. */
  appendTaken(row: I, receipt: CommitReceipt): void {
    this.writer.assertWritable();
    this.added(1, this.put(this.entries(), row, this.filling.events), receipt);
  }

  /** The same for what `codec.copyOf` kept of it. */
  appendCopy(copy: readonly unknown[], receipt: CommitReceipt): void {
    this.writer.assertWritable();
    this.added(1, this.putStored(this.entries(), copy, this.filling.events), receipt);
  }

  assertWritable(): void {
    this.writer.assertWritable();
  }

  /**
   * Lets an append of so many bytes wait; the returned function says that it waits no more.
   *
   * @throws MillraceError `FULL` where already so many wait that their events would fill the memory
   */
  askToWait(waitingMax: number, bytes: number): () => void {
    const { admission } = this.writer;
    this.writer.assertWritable();
    if (admission.waitingCount >= waitingMax || admission.waitingBytes + bytes > WAITING_BYTES_MAX) {
      const message = `${admission.waitingCount} appends wait for the log already; this one was not written. Await appends before making more, or use appendMany().`;
      throw new MillraceError('FULL', message, { stream: this.stream });
    }
    admission.waitingBytes += bytes;
    return () => {
      admission.waitingBytes -= bytes;
    };
  }

  /** Counts events that were put into their entries, with orders from `filling.events` on. */
  added(count: number, bytes: number, receipt: CommitReceipt): void {
    this.filling.add(count, bytes, receipt);
    this.writer.sealSoon();
  }

  /**
   * Puts events into commits, one part after the other, until `put` says that it is through; waits for room as often as
   * it takes. Then all of them are in a commit, not yet durable.
   */
  whileRoom(put: () => boolean, through: () => void, failed: (error: unknown) => void): void {
    const go = (): void => {
      try {
        let isThrough = false;
        while (!isThrough && this.writer.hasRoom) isThrough = put();
        if (isThrough) through();
        else this.writer.whenRoom(go);
      } catch (error) {
        failed(error);
      }
    };
    go();
  }

  /** Takes rows from `from` on until the commit is full or the rows end; tells where it stopped, also when a row throws. */
  appendRows(rows: readonly I[], from: number, receipt: CommitReceipt, stopped: (at: number) => void): void {
    this.writer.assertWritable();
    const { filling } = this;
    const entries = this.entries();
    let at = from;
    try {
      for (; at < rows.length && !this.writer.isFull; at++) {
        filling.add(1, this.put(entries, rows[at], filling.events), receipt);
      }
    } finally {
      stopped(at);
      this.writer.sealSoon();
    }
  }

  entries(): StreamEntries {
    return this.filling.stream(this.layout);
  }

  /** Gives about how many bytes the row takes. @throws SchemaError before anything is changed */
  private put(entries: StreamEntries, row: unknown, order: number): number {
    const { codec } = this;
    if (!codec.isPlain(row)) return this.putStored(entries, codec.stored(row), order);
    const slot =
      entries.slots.get(codec.plainKeyOf(row)) ??
      this.newSlot(entries, codec.plainKeyOf(row), codec.plainKeyValues(row));
    const entry = entries.entry(slot & 63);
    entry.room(1);
    codec.putPlain(entry, row as Row);
    entry.commitRow(slot >>> 6, order);
    return entry.lastRowBytes;
  }

  private putStored(entries: StreamEntries, stored: readonly unknown[], order: number): number {
    const { codec } = this;
    const key = codec.keyOf(stored);
    const slot = entries.slots.get(key) ?? this.newSlot(entries, key, codec.keyValues(stored));
    const entry = entries.entry(slot & 63);
    entry.room(1);
    codec.put(entry, stored);
    entry.commitRow(slot >>> 6, order);
    return entry.lastRowBytes;
  }

  /** Gives a key its VGroup and its index among the keys of the entry there. */
  newSlot(entries: StreamEntries, key: unknown, values: readonly unknown[]): number {
    const vgroup = this.vgroupOf(values);
    const slot = entries.entry(vgroup).addKey(values) * 64 + vgroup;
    entries.slots.set(key, slot);
    for (const value of values) if (typeof value === 'string') this.filling.bytes += value.length;
    return slot;
  }

  /** The hash of the key decides; of a stream without key columns, that of its name. The mill's own streams are in VGroup 0. */
  private vgroupOf(values: readonly unknown[]): number {
    if (this.context.vgroups === 1 || this.stream.startsWith('$')) return 0;
    const text = values.length === 0 ? this.stream : keyText(values);
    return Number(this.context.hash(Buffer.from(text)) % BigInt(this.context.vgroups));
  }

  read(commit: Commit, firstOrder: number, count: number, next: (event: T) => void): void {
    eachRow(this.sourcesOf(commit), firstOrder, firstOrder + count, (source, row) => next(source.read(row)));
  }

  /** Made once for a commit, however many readers share it: where sources take turns, each of its events is read alone. */
  private sourcesOf(commit: Commit): readonly ReadableBatch<T>[] {
    let sources = this.readable.get(commit);
    if (sources === undefined) {
      const batches = batchesOf(commit, this.layout.id, this.context.catalog);
      sources = batches.map((batch) => ({ batch, read: this.codec.reader(batch) }));
      this.readable.set(commit, sources);
    }
    return sources;
  }
}

interface ReadableBatch<T> {
  readonly batch: Batch;
  readonly read: RowReader<T>;
}

/** The events of one stream in a commit. */
export function batchesOf(commit: Commit, streamId: number, catalog: Catalog): Batch[] {
  return commit.entries
    .filter((entry) => streamIdOf(entry.bytes) === streamId)
    .map((entry) => toBatch(entry.bytes, commit, catalog));
}

export function toBatch(entry: Uint8Array, commit: Commit, catalog: Catalog): Batch {
  return new Batch(catalog.layoutOf(entry), entry, commit.firstLsn);
}
