import {
  type ColumnLayout,
  createColumnBuilder,
  type FixedArray,
  FixedColumnBuilder,
  VariableColumnBuilder,
  widthOf,
} from './column.js';
import { aligned, ENTRY_EVENTS, ENTRY_FLAG_INDEXES, ENTRY_FLAG_ORDERS, ENTRY_HEADER_BYTES } from './format.js';
import { type EntrySource, viewOf } from './frame.js';

/** What the log must know of a stream: its number, the version of its schema, and its columns. */
export interface StreamLayout {
  readonly id: number;
  readonly version: number;
  readonly columns: readonly ColumnLayout[];
}

const ROWS_AT_FIRST = 64;

/**
 * Events of one stream for one frame, column by column. Key columns are kept once per distinct key; each row has the
 * index of its key. The arrays outlive the frame: `reset` empties them for the next one.
 */
export class EventEntryBuilder {
  rows = 0;
  keys = 0;
  /** Typed arrays of the fixed columns by column number, for generated code; anything may replace them in `reserve`. */
  values: FixedArray[] = [];
  readonly columns: readonly (FixedColumnBuilder | VariableColumnBuilder)[];
  private capacity = 0;
  private keyCapacity = 0;
  private keyIndex = new Uint32Array(0);
  private orders = new Uint32Array(0);
  private consecutive = true;
  /** Of derived rows: which of those with one order each is. Made for the first that is not 0. */
  private indexes: Uint32Array<ArrayBuffer> | null = null;
  private hasIndexes = false;
  private readonly isKey: readonly boolean[];
  private readonly hasKeys: boolean;
  /** Bytes of a row that are known without looking at it. */
  readonly fixedRowBytes: number;
  private readonly variable: readonly VariableColumnBuilder[];

  constructor(readonly layout: StreamLayout) {
    this.columns = layout.columns.map(createColumnBuilder);
    this.isKey = layout.columns.map((column) => column.role === 'key');
    this.hasKeys = this.isKey.includes(true);
    this.fixedRowBytes =
      4 + layout.columns.reduce((sum, { role, type }) => sum + (role === 'key' ? 0 : widthOf(type)), 0);
    this.variable = this.columns.flatMap((column, at) =>
      column instanceof VariableColumnBuilder && !this.isKey[at] ? [column] : [],
    );
    this.reserve(ROWS_AT_FIRST);
    this.reserveKeys(ROWS_AT_FIRST);
  }

  reset(): void {
    this.rows = 0;
    this.keys = 0;
    this.consecutive = true;
    this.hasIndexes = false;
  }

  /** Makes room for `more` rows. */
  room(more: number): void {
    if (this.rows + more > this.capacity) this.reserve(Math.max(this.rows + more, this.capacity * 2));
  }

  private reserve(capacity: number): void {
    this.columns.forEach((column, at) => {
      if (!this.isKey[at]) column.reserve(capacity);
    });
    this.keyIndex = grown(this.keyIndex, capacity);
    this.orders = grown(this.orders, capacity);
    if (this.indexes !== null) this.indexes = grown(this.indexes, capacity);
    this.capacity = capacity;
    this.values = this.columns.map((column) =>
      column instanceof FixedColumnBuilder ? column.values : new Uint8Array(0),
    );
  }

  private reserveKeys(capacity: number): void {
    this.columns.forEach((column, at) => {
      if (this.isKey[at]) column.reserve(capacity);
    });
    this.keyCapacity = capacity;
  }

  /** Adds a distinct key, its values in the order of the key columns, and gives its index. */
  addKey(values: readonly unknown[]): number {
    if (this.keys === this.keyCapacity) this.reserveKeys(this.keyCapacity * 2);
    let next = 0;
    this.columns.forEach((column, at) => {
      if (this.isKey[at]) column.set(this.keys, values[next++] as never);
    });
    return this.keys++;
  }

  /** Adds a row whose values stand at `this.rows` in the columns already. `order` is its place in the commit. */
  commitRow(keyIndex: number, order: number): void {
    const row = this.rows++;
    this.keyIndex[row] = keyIndex;
    this.orders[row] = order;
    if (row > 0 && order !== this.orders[row - 1]! + 1) this.consecutive = false;
  }

  /** The same for a derived row: `index` tells it from others with the same order. */
  commitDerivedRow(keyIndex: number, order: number, index: number): void {
    const row = this.rows;
    if (index > 0 && !this.hasIndexes) {
      this.indexes ??= new Uint32Array(this.capacity);
      this.indexes.fill(0, 0, row);
      this.hasIndexes = true;
    }
    if (this.hasIndexes) this.indexes![row] = index;
    this.commitRow(keyIndex, order);
  }

  /** The same for rows with orders one after the other; `keyIndexes` are theirs. */
  commitRows(keyIndexes: Uint32Array, firstOrder: number): void {
    const first = this.rows;
    this.rows += keyIndexes.length;
    this.keyIndex.set(keyIndexes, first);
    for (let row = first, order = firstOrder; row < this.rows; row++, order++) this.orders[row] = order;
    if (first > 0 && firstOrder !== this.orders[first - 1]! + 1) this.consecutive = false;
  }

  /** Bytes of the values of the last row, without its key. */
  get lastRowBytes(): number {
    let bytes = this.fixedRowBytes;
    for (const column of this.variable) bytes += column.bytesUsed(this.rows) - column.bytesUsed(this.rows - 1);
    return bytes;
  }

  /** Bytes of the values of all rows so far, without keys. */
  get bytesOfRows(): number {
    return this.variable.reduce((sum, column) => sum + column.bytesUsed(this.rows), this.rows * this.fixedRowBytes);
  }

  /** The rows so far as an entry; it is to be encoded before the next row is added. */
  toEntry(): EntrySource {
    const parts = this.parts();
    const byteLength = parts.reduce((sum, part) => sum + part.byteLength, ENTRY_HEADER_BYTES);
    return {
      byteLength,
      encode: (target, at) => {
        this.encodeHeader(viewOf(target), at, byteLength);
        let next = at + ENTRY_HEADER_BYTES;
        for (const part of parts) {
          part.encode(target, next);
          next += part.byteLength;
        }
      },
    };
  }

  private encodeHeader(view: DataView, at: number, byteLength: number): void {
    view.setUint32(at, byteLength, true);
    view.setUint16(at + 4, ENTRY_EVENTS, true);
    view.setUint16(
      at + 6,
      (this.consecutive ? 0 : ENTRY_FLAG_ORDERS) | (this.hasIndexes ? ENTRY_FLAG_INDEXES : 0),
      true,
    );
    view.setUint32(at + 8, this.layout.id, true);
    view.setUint32(at + 12, this.layout.version, true);
    view.setUint32(at + 16, this.rows, true);
    view.setUint32(at + 20, this.keys, true);
    view.setUint32(at + 24, this.orders[0] ?? 0, true);
    view.setUint32(at + 28, 0, true);
  }

  /** Orders, indexes, distinct keys, key index, then the other columns in the order of the schema. */
  private parts(): EntrySource[] {
    const parts: EntrySource[] = [];
    if (!this.consecutive) parts.push(indexPart(this.orders, this.rows));
    if (this.hasIndexes) parts.push(indexPart(this.indexes!, this.rows));
    this.columns.forEach((column, at) => {
      if (this.isKey[at]) parts.push(columnPart(column, this.keys));
    });
    if (this.hasKeys) parts.push(indexPart(this.keyIndex, this.rows));
    this.columns.forEach((column, at) => {
      if (!this.isKey[at]) parts.push(columnPart(column, this.rows));
    });
    return parts;
  }
}

function columnPart(column: FixedColumnBuilder | VariableColumnBuilder, rows: number): EntrySource {
  return { byteLength: column.byteLength(rows), encode: (target, at) => column.encode(rows, target, at) };
}

function indexPart(index: Uint32Array, rows: number): EntrySource {
  const byteLength = aligned(rows * 4);
  return {
    byteLength,
    encode(target, at) {
      target.set(new Uint8Array(index.buffer, 0, rows * 4), at);
      target.fill(0, at + rows * 4, at + byteLength);
    },
  };
}

function grown(array: Uint32Array<ArrayBuffer>, capacity: number): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(capacity);
  larger.set(array);
  return larger;
}
