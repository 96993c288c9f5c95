import { bitmapBytes, isVariable, widthOf } from '../../wal/column.js';
import type { StreamLayout } from '../../wal/event-entry.js';
import { aligned, ENTRY_FLAG_INDEXES, ENTRY_FLAG_ORDERS, ENTRY_HEADER_BYTES } from '../../wal/format.js';
import type { Chunk, PackedEntries } from './packed-entries.js';

/** The version of the schema that an entry was written with. */
export function versionOfEntry(entries: PackedEntries, entry: number): number {
  return entries.chunk(entry).uint32[(entries.offset(entry) + 12) >> 2]!;
}

/**
 * Stands on an event entry: where each of its parts begins in its chunk, by column number. The same as a `Batch`, for
 * readers in bulk: one cursor goes from entry to entry and makes nothing on its way, so entries of one row stay cheap.
 */
export class EntryCursor {
  chunk!: Chunk;
  entry = 0;
  rows = 0;
  keys = 0;
  /** The first row that was not taken yet. */
  next = 0;
  /** Byte offsets; `validityAt` is -1 where every row has a value. Of a key column, the values of the distinct keys. */
  readonly validityAt: number[] = [];
  readonly offsetsAt: number[] = [];
  readonly valuesAt: number[] = [];
  /** Where the index of each row's key begins, counted in words of 4 bytes. */
  keyIndexAt = 0;
  private layout!: StreamLayout;
  private firstLsn = 0;
  private firstOrder = 0;
  /** In words of 4 bytes; -1 where rows follow each other in the commit. */
  private ordersAt = -1;
  /** The same; -1 where every index is 0. */
  private indexesAt = -1;
  private positionsAt = -1;
  private end = 0;

  open(entries: PackedEntries, entry: number, layout: StreamLayout): void {
    const start = entries.offset(entry);
    const { uint32 } = (this.chunk = entries.chunk(entry));
    const head = start >> 2;
    this.entry = entry;
    this.layout = layout;
    this.rows = uint32[head + 4]!;
    this.keys = uint32[head + 5]!;
    this.next = 0;
    this.firstOrder = uint32[head + 6]!;
    this.firstLsn = entries.firstLsn(entry);
    this.positionsAt = entries.positionsOffset(entry);
    this.end = start + ENTRY_HEADER_BYTES;
    const flags = uint32[head + 1]! >>> 16;
    this.ordersAt = (flags & ENTRY_FLAG_ORDERS) === 0 ? -1 : this.pass(this.rows * 4) >> 2;
    this.indexesAt = (flags & ENTRY_FLAG_INDEXES) === 0 ? -1 : this.pass(this.rows * 4) >> 2;
    this.findColumns(layout);
  }

  private findColumns({ columns }: StreamLayout): void {
    let hasKeys = false;
    for (let column = 0; column < columns.length; column++) {
      if (columns[column]!.role !== 'key') continue;
      this.findColumn(column, this.keys);
      hasKeys = true;
    }
    if (hasKeys) this.keyIndexAt = this.pass(this.rows * 4) >> 2;
    for (let column = 0; column < columns.length; column++) {
      if (columns[column]!.role !== 'key') this.findColumn(column, this.rows);
    }
  }

  private findColumn(column: number, rows: number): void {
    const { type, optional } = this.layout.columns[column]!;
    this.validityAt[column] = optional ? this.pass(bitmapBytes(rows)) : -1;
    if (isVariable(type)) {
      const offsets = this.pass((rows + 1) * 4);
      this.offsetsAt[column] = offsets;
      this.valuesAt[column] = this.pass(this.chunk.uint32[(offsets >> 2) + rows]!);
    } else {
      this.valuesAt[column] = this.pass(rows * widthOf(type));
    }
  }

  /** Goes over a part; gives where it begins. */
  private pass(bytes: number): number {
    const start = this.end;
    this.end += aligned(bytes);
    return start;
  }

  /** Whether the rows of its entry stand alone, as others of their commit do not come between them: those of derived streams. */
  private get standsAlone(): boolean {
    return this.positionsAt >= 0 || this.indexesAt >= 0;
  }

  /** A row's place in its commit, or, where they stand alone, in the entry: blocks may be cut between any two of them. */
  orderOf(row: number): number {
    return this.standsAlone ? row : this.placeOf(row);
  }

  private placeOf(row: number): number {
    return this.ordersAt < 0 ? this.firstOrder + row : this.chunk.uint32[this.ordersAt + row]!;
  }

  lsnOf(row: number): number {
    if (this.positionsAt >= 0) return this.chunk.float64[(this.positionsAt >> 3) + row]!;
    return this.firstLsn + this.placeOf(row);
  }

  indexOf(row: number): number {
    if (this.indexesAt >= 0) return this.chunk.uint32[this.indexesAt + row]!;
    return this.positionsAt < 0 ? 0 : this.chunk.int32[(this.positionsAt >> 2) + 2 * this.rows + row]!;
  }

  /** Whether its rows may take turns with those of the next entry, which is of the same commit. */
  sharesCommitWith(other: EntryCursor): boolean {
    return !this.standsAlone && !other.standsAlone && this.firstLsn === other.firstLsn;
  }

  /** The first row that was not taken and whose order is `order` or more. */
  rowFrom(order: number): number {
    let low = this.next;
    for (let high = this.rows; low < high; ) {
      const middle = (low + high) >> 1;
      if (this.orderOf(middle) < order) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Bytes of the variable values of rows that were not taken, up to a row; keys not counted. */
  variableBytes(to: number): number {
    const { columns } = this.layout;
    let bytes = 0;
    for (let column = 0; column < columns.length; column++) {
      if (columns[column]!.role === 'key' || !isVariable(columns[column]!.type)) continue;
      const at = this.offsetsAt[column]! >> 2;
      bytes += this.chunk.uint32[at + to]! - this.chunk.uint32[at + this.next]!;
    }
    return bytes;
  }
}
