import { type ColumnValues, TextValues } from '../../wal/batch.js';
import { type ColumnLayout, type ColumnType, type FixedArray, isVariable } from '../../wal/column.js';
import type { Key } from '../segment-format.js';
import type { Loan } from './block-memory.js';
import { valueBytes } from './geometry.js';
import { compareKeys } from './key-order.js';
import { bitAt, type RawColumn } from './raw.js';
import { toColumnValues } from './values.js';

type KeyType = 'int32' | 'int64';

/** Rows from `from` to before `to`. */
export interface RowRange {
  readonly from: number;
  readonly to: number;
}

/** The keys of rows that are sorted by key. */
export class SortedKeys {
  constructor(
    /** All key columns of the stream. */
    private readonly columns: readonly ColumnLayout[],
    /** Where the rows of each key begin. */
    private readonly starts: readonly number[],
    /** The key columns, with one row for each key. */
    private readonly values: readonly ColumnValues[],
    private readonly rows: number,
  ) {}

  get count(): number {
    return this.starts.length;
  }

  /** For each row, the number of its key. */
  index(memory?: Loan): Uint32Array {
    const { rows } = this;
    const index = memory ? new Uint32Array(memory.take(rows * 4).buffer, 0, rows) : new Uint32Array(rows);
    for (let key = 0; key < this.count; key++) index.fill(key, this.starts[key], this.starts[key + 1] ?? this.rows);
    return index;
  }

  /** A key column, with one row for each key. */
  column(name: string): ColumnValues {
    return this.values[this.columns.findIndex((column) => column.name === name)]!;
  }

  key(number: number): Key {
    return this.values.map((values, column) => keyPart(this.columns[column]!.type, values, number));
  }

  /** The rows of a key: none where it is not there. */
  rowsOf(key: Key): RowRange {
    let low = 0;
    for (let high = this.count; low < high; ) {
      const middle = (low + high) >> 1;
      if (compareKeys(this.key(middle), key) < 0) low = middle + 1;
      else high = middle;
    }
    const from = this.starts[low] ?? this.rows;
    const isThere = low < this.count && compareKeys(this.key(low), key) === 0;
    return { from, to: isThere ? (this.starts[low + 1] ?? this.rows) : from };
  }
}

/** The keys of rows, from their key columns, of which there is at least one. */
export function keysOf(columns: readonly RawColumn[], rows: number): SortedKeys {
  const starts = startsOf(columns, rows);
  const values = columns.map((column) => toColumnValues(picked(column, starts), starts.length));
  const layouts = columns.map(({ layout }) => layout);
  return new SortedKeys(layouts, starts, values, rows);
}

/** Rows that all have a key that is known. */
export function oneKey(columns: readonly ColumnLayout[], key: Key, rows: number): SortedKeys {
  const values = columns.map(({ type }, at): ColumnValues => {
    if (type === 'int64') return BigInt64Array.of(key[at] as bigint);
    if (type === 'int32') return Int32Array.of(key[at] as number);
    if (type === 'bool') return Uint8Array.of(key[at] === true ? 1 : 0);
    const text = Buffer.from(key[at] as string);
    return new TextValues(Uint32Array.of(0, text.length), text);
  });
  return new SortedKeys(columns, rows > 0 ? [0] : [], values, rows);
}

/** Looks ahead in growing steps, then in the middle of what is left: the rows of a key are not gone through. */
function startsOf(columns: readonly RawColumn[], rows: number): number[] {
  const isSame = (a: number, b: number): boolean => {
    for (const column of columns) if (!isSameValue(column, a, b)) return false;
    return true;
  };
  const starts: number[] = [];
  for (let start = 0; start < rows; ) {
    starts.push(start);
    let step = 1;
    while (start + step < rows && isSame(start, start + step)) step *= 2;
    let low = start + (step >> 1);
    for (let high = Math.min(start + step, rows); high - low > 1; ) {
      const middle = (low + high) >> 1;
      if (isSame(start, middle)) low = middle;
      else high = middle;
    }
    start = low + 1;
  }
  return starts;
}

function isSameValue({ layout, offsets, values }: RawColumn, a: number, b: number): boolean {
  if (layout.type === 'bool') return bitAt(values, a) === bitAt(values, b);
  const width = isVariable(layout.type) ? 0 : valueBytes(layout.type as KeyType);
  const [startA, startB] = offsets === null ? [a * width, b * width] : [offsets[a]!, offsets[b]!];
  const length = offsets === null ? width : offsets[a + 1]! - startA;
  if (offsets !== null && offsets[b + 1]! - startB !== length) return false;
  for (let byte = 0; byte < length; byte++) if (values[startA + byte] !== values[startB + byte]) return false;
  return true;
}

/** A column that has only these rows. */
function picked(column: RawColumn, rows: readonly number[]): RawColumn {
  const { layout, offsets, values } = column;
  if (layout.type === 'bool') return { ...column, values: pickedBits(values, rows) };
  const width = isVariable(layout.type) ? 0 : valueBytes(layout.type as KeyType);
  const ends = new Uint32Array(rows.length + 1);
  for (const [at, row] of rows.entries()) {
    ends[at + 1] = ends[at]! + (offsets === null ? width : offsets[row + 1]! - offsets[row]!);
  }
  const bytes = new Uint8Array(ends[rows.length]!);
  for (const [at, row] of rows.entries()) {
    const start = offsets === null ? row * width : offsets[row]!;
    bytes.set(values.subarray(start, start + ends[at + 1]! - ends[at]!), ends[at]);
  }
  return { ...column, offsets: offsets && ends, values: bytes };
}

function pickedBits(bits: Uint8Array, rows: readonly number[]): Uint8Array {
  const picked = new Uint8Array((rows.length + 7) >> 3);
  for (const [at, row] of rows.entries()) picked[at >> 3]! |= bitAt(bits, row) << (at & 7);
  return picked;
}

function keyPart(type: ColumnType, values: ColumnValues, row: number): Key[number] {
  if (values instanceof TextValues) return values.get(row);
  const value = (values as FixedArray)[row]!;
  return type === 'bool' ? value === 1 : value;
}
