import { type ColumnLayout, isVariable } from '../../wal/column.js';
import type { Hash } from '../../wal/hash.js';
import type { Retained } from '../manifest.js';
import { INDEX_COLUMN, LSN_COLUMN } from '../segment-format.js';
import { bitAt, type RawColumn, type RawRows, words } from './raw.js';
import { RowScratch } from './row-scratch.js';
import { toDoubles } from './values.js';

/**
 * The canonical row: the bytes of a row that say what it holds and where it stands, and nothing of VGroups, blocks, files
 * or versions of the schema. All parts are multiples of 4 bytes, little-endian:
 *
 *     position   8  lsn, 4  index; left out where contents are compared without positions
 *     then, for each column that has a value, in the order of the columns' names (by UTF-16 code units):
 *                4  mark: the low half of xxhash64 of "type:name"
 *                   timestamp, int64: 8 bytes; int32: 4; bool: 4, 0 or 1;
 *                   float64, float32: 8 or 4, as IEEE 754 has them, every NaN as 7ff80000 00000000 or 7fc00000;
 *                   string, json, bytes: 4  length, the bytes, zeros up to a multiple of 4
 *
 * A missing value has no bytes: a row is the same before and after a column was added that it has no value for. The sum of
 * rows is the sum modulo 2⁶⁴ of xxhash64 of each. It does not depend on their order, and sums of parts can be added.
 */
export class RowSums {
  private readonly marks = new Map<string, number>();

  constructor(private readonly hash: Hash) {}

  /** The sum of rows with all their columns. */
  sum(rows: RawRows, { positions }: { readonly positions: boolean }): bigint {
    return this.sumOfKept(rows, { positions, retained: null }).sum;
  }

  /** The same, and the count, of those that are kept. */
  sumOfKept(rows: RawRows, { positions, retained }: SumOptions): { readonly rows: number; readonly sum: bigint } {
    const scratch = RowScratch.empty();
    const [lsns, indexes] = [LSN_COLUMN, INDEX_COLUMN].map(({ name }) =>
      rows.columns.find((column) => column.layout.name === name),
    );
    const put = positions ? putPosition(scratch, lsns!, indexes) : null;
    const puts = rows.columns
      .filter((column) => column !== lsns && column !== indexes)
      .sort((a, b) => (a.layout.name < b.layout.name ? -1 : 1))
      .map((column) => putColumn(scratch, this.markOf(column.layout), column));
    const isGone = retained && goneRows(rows, lsns!, retained);
    let start = 0;
    let count = 0;
    for (let row = 0; row < rows.rows; row++) {
      if (isGone?.(row)) continue;
      count++;
      let at = start + 1;
      if (put !== null) at = put(row, at);
      for (let column = 0; column < puts.length; column++) at = puts[column]!(row, at);
      start = scratch.endRow(start, at);
    }
    return { rows: count, sum: scratch.sum(start) };
  }

  private markOf({ name, type }: ColumnLayout): number {
    const text = `${type}:${name}`;
    let mark = this.marks.get(text);
    if (mark === undefined) this.marks.set(text, (mark = Number(this.hash(Buffer.from(text)) & 0xffffffffn)));
    return mark;
  }
}

export interface SumOptions {
  readonly positions: boolean;
  /** How far rows are kept; `null`: all of them. */
  readonly retained: Retained | null;
}

function goneRows(rows: RawRows, lsns: RawColumn, retained: Retained): (row: number) => boolean {
  const time = rows.columns.find(({ layout }) => layout.role === 'time')!;
  const times = toDoubles(time.values, rows.rows);
  const places = toDoubles(lsns.values, rows.rows);
  return (row) => times[row]! < retained.from && places[row]! < retained.lsn;
}

/** Puts a row's value at a place, counted in words of 4 bytes; gives the next place. */
type Put = (row: number, at: number) => number;

function putPosition(scratch: RowScratch, lsns: RawColumn, indexes: RawColumn | undefined): Put {
  const lsn = words(lsns.values);
  const index = indexes && words(indexes.values);
  return (row, at) => {
    const target = scratch.words;
    target[at] = lsn[2 * row]!;
    target[at + 1] = lsn[2 * row + 1]!;
    target[at + 2] = index === undefined ? 0 : index[row]!;
    return at + 3;
  };
}

function putColumn(scratch: RowScratch, mark: number, column: RawColumn): Put {
  const put = isVariable(column.layout.type) ? putVariable(scratch, mark, column) : putFixed(scratch, mark, column);
  const { validity } = column;
  return validity === null ? put : (row, at) => (bitAt(validity, row) === 1 ? put(row, at) : at);
}

function putFixed(scratch: RowScratch, mark: number, { layout, values }: RawColumn): Put {
  switch (layout.type) {
    case 'float64':
      return putDouble(scratch, mark, values);
    case 'float32':
      return putSingle(scratch, mark, values);
    case 'bool':
      return putWord(scratch, mark, (row) => bitAt(values, row));
    case 'int32': {
      const numbers = words(values);
      return putWord(scratch, mark, (row) => numbers[row]!);
    }
    default:
      return putTwoWords(scratch, mark, values);
  }
}

function putWord(scratch: RowScratch, mark: number, wordOf: (row: number) => number): Put {
  return (row, at) => {
    roomFor(scratch, at + 2);
    scratch.words[at] = mark;
    scratch.words[at + 1] = wordOf(row);
    return at + 2;
  };
}

function putTwoWords(scratch: RowScratch, mark: number, values: Uint8Array): Put {
  const halves = words(values);
  return (row, at) => {
    roomFor(scratch, at + 3);
    const target = scratch.words;
    target[at] = mark;
    target[at + 1] = halves[2 * row]!;
    target[at + 2] = halves[2 * row + 1]!;
    return at + 3;
  };
}

function putDouble(scratch: RowScratch, mark: number, values: Uint8Array): Put {
  const numbers = new Float64Array(values.buffer, values.byteOffset, values.byteLength >> 3);
  const halves = words(values);
  return (row, at) => {
    roomFor(scratch, at + 3);
    const target = scratch.words;
    const isNone = Number.isNaN(numbers[row]);
    target[at] = mark;
    target[at + 1] = isNone ? 0 : halves[2 * row]!;
    target[at + 2] = isNone ? 0x7ff80000 : halves[2 * row + 1]!;
    return at + 3;
  };
}

function putSingle(scratch: RowScratch, mark: number, values: Uint8Array): Put {
  const numbers = new Float32Array(values.buffer, values.byteOffset, values.byteLength >> 2);
  const bits = words(values);
  return putWord(scratch, mark, (row) => (Number.isNaN(numbers[row]) ? 0x7fc00000 : bits[row]!));
}

function putVariable(scratch: RowScratch, mark: number, { offsets, values }: RawColumn): Put {
  const ends = offsets!;
  return (row, at) => {
    const start = ends[row]!;
    const length = ends[row + 1]! - start;
    const next = at + 2 + ((length + 3) >> 2);
    roomFor(scratch, next);
    const target = scratch.words;
    target[at] = mark;
    target[at + 1] = length;
    if (length > 0) target[next - 1] = 0;
    const { bytes } = scratch;
    const to = 4 * (at + 2);
    if (length > 64) bytes.set(values.subarray(start, start + length), to);
    else for (let byte = 0; byte < length; byte++) bytes[to + byte] = values[start + byte]!;
    return next;
  };
}

function roomFor(scratch: RowScratch, count: number): void {
  if (count > scratch.words.length) scratch.room(count);
}
