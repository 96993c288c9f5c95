import { bitmapBytes, type ColumnLayout, type ColumnType, type FixedArray } from './column.js';
import type { StreamLayout } from './event-entry.js';
import { aligned, ENTRY_FLAG_INDEXES, ENTRY_FLAG_ORDERS, ENTRY_HEADER_BYTES } from './format.js';
import { viewOf } from './frame.js';

/** A column as it is read: fixed values as a typed array over the frame's bytes, others by `get`. */
export type ColumnValues = FixedArray | TextValues | BytesValues;

/**
 * Events of one stream from one frame: typed arrays over the frame's bytes, nothing copied. Rows are made from them
 * only where someone wants rows.
 */
export class Batch {
  readonly rows: number;
  readonly keys: number;
  /** Per column in the order of the schema; of a key column, the values of the distinct keys. */
  readonly columns: readonly ColumnValues[];
  /** Per column: its bitmap, or `null` where every row has a value. */
  readonly validity: readonly (Uint8Array | null)[];
  /** Which distinct key each row has. Empty where the stream has no key columns. */
  readonly keyIndex: Uint32Array;
  private readonly firstOrder: number;
  private readonly orders: Uint32Array | null;
  private readonly indexes: Uint32Array | null;

  constructor(
    readonly layout: StreamLayout,
    readonly bytes: Uint8Array,
    /** The lsn of the commit's first event. */
    readonly firstLsn: number,
  ) {
    const view = viewOf(bytes);
    this.rows = view.getUint32(16, true);
    this.keys = view.getUint32(20, true);
    this.firstOrder = view.getUint32(24, true);
    const parts = new Parts(bytes);
    const flags = view.getUint16(6, true);
    this.orders = (flags & ENTRY_FLAG_ORDERS) === 0 ? null : parts.index(this.rows);
    this.indexes = (flags & ENTRY_FLAG_INDEXES) === 0 ? null : parts.index(this.rows);
    const columns: ColumnValues[] = [];
    const validity: (Uint8Array | null)[] = [];
    const read = (column: ColumnLayout, at: number, rows: number): void => {
      validity[at] = column.optional ? parts.bitmap(rows) : null;
      columns[at] = parts.values(column.type, rows);
    };
    layout.columns.forEach((column, at) => {
      if (column.role === 'key') read(column, at, this.keys);
    });
    this.keyIndex = layout.columns.some((column) => column.role === 'key')
      ? parts.index(this.rows)
      : new Uint32Array(0);
    layout.columns.forEach((column, at) => {
      if (column.role !== 'key') read(column, at, this.rows);
    });
    this.columns = columns;
    this.validity = validity;
  }

  /** A row's place in its commit; rows of a batch are in rising order. */
  orderOf(row: number): number {
    return this.orders === null ? this.firstOrder + row : this.orders[row]!;
  }

  lsnOf(row: number): number {
    return this.firstLsn + this.orderOf(row);
  }

  /** Whether rows may have another index than 0. */
  get isIndexed(): boolean {
    return this.indexes !== null;
  }

  /** 0 for a logged event; which of those with its lsn a derived row is. */
  indexOf(row: number): number {
    return this.indexes === null ? 0 : this.indexes[row]!;
  }

  /** The first row at or after `order`. */
  rowFrom(order: number): number {
    if (this.orders === null) return Math.min(this.rows, Math.max(0, order - this.firstOrder));
    let low = 0;
    for (let high = this.rows; low < high; ) {
      const middle = (low + high) >> 1;
      if (this.orders[middle]! < order) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

export function streamIdOf(entry: Uint8Array): number {
  return viewOf(entry).getUint32(8, true);
}

export function versionOf(entry: Uint8Array): number {
  return viewOf(entry).getUint32(12, true);
}

export function isValid(bitmap: Uint8Array | null, row: number): boolean {
  return bitmap === null || ((bitmap[row >> 3]! >> (row & 7)) & 1) === 1;
}

/** Goes through the parts of an entry, one after the other. */
class Parts {
  private at = ENTRY_HEADER_BYTES;

  constructor(private readonly bytes: Uint8Array) {}

  index(rows: number): Uint32Array {
    return this.typed(Uint32Array, rows);
  }

  bitmap(rows: number): Uint8Array {
    return this.typed(Uint8Array, bitmapBytes(rows));
  }

  values(type: ColumnType, rows: number): ColumnValues {
    switch (type) {
      case 'timestamp':
      case 'float64':
        return this.typed(Float64Array, rows);
      case 'float32':
        return this.typed(Float32Array, rows);
      case 'int32':
        return this.typed(Int32Array, rows);
      case 'int64':
        return this.typed(BigInt64Array, rows);
      case 'bool':
        return this.typed(Uint8Array, rows);
      default:
        return this.variable(type, rows);
    }
  }

  private variable(type: ColumnType, rows: number): ColumnValues {
    const offsets = this.typed(Uint32Array, rows + 1);
    const bytes = this.typed(Uint8Array, offsets[rows]!);
    return type === 'bytes' ? new BytesValues(offsets, bytes) : new TextValues(offsets, bytes);
  }

  private typed<A>(type: TypedArrayType<A>, length: number): A {
    const start = this.bytes.byteOffset + this.at;
    this.at += aligned(length * type.BYTES_PER_ELEMENT);
    return new type(this.bytes.buffer, start, length);
  }
}

interface TypedArrayType<A> {
  new (buffer: ArrayBufferLike, start: number, length: number): A;
  readonly BYTES_PER_ELEMENT: number;
}

/** A column of text (also canonical JSON). */
export class TextValues {
  private readonly bytes: Buffer;

  constructor(
    private readonly offsets: Uint32Array,
    bytes: Uint8Array,
  ) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get(row: number): string {
    return this.bytes.toString('utf8', this.offsets[row], this.offsets[row + 1]);
  }
}

/** A column of byte strings. */
export class BytesValues {
  constructor(
    private readonly offsets: Uint32Array,
    private readonly bytes: Uint8Array,
  ) {}

  /** A copy: the frame's bytes are not handed out. */
  get(row: number): Uint8Array {
    return this.bytes.slice(this.offsets[row], this.offsets[row + 1]);
  }
}
