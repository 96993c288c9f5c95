import { BytesValues, type ColumnValues, TextValues } from '../../wal/batch.js';
import { bitmapBytes } from '../../wal/column.js';
import { BLOCK_ROWS_MAX } from '../segment-format.js';
import type { Loan } from './block-memory.js';
import { bitAt, type RawColumn, words } from './raw.js';

const TWO_32 = 2 ** 32;
const ALL_VALID = new Uint8Array(bitmapBytes(BLOCK_ROWS_MAX)).fill(0xff);

/** A column as a batch has it. Nothing is copied but timestamps and bools, which a batch has in another form. */
export function toColumnValues({ layout, offsets, values }: RawColumn, rows: number, memory?: Loan): ColumnValues {
  const { buffer, byteOffset } = values as Uint8Array<ArrayBuffer>;
  switch (layout.type) {
    case 'timestamp':
      return toDoubles(values, rows, memory);
    case 'float64':
      return new Float64Array(buffer, byteOffset, rows);
    case 'float32':
      return new Float32Array(buffer, byteOffset, rows);
    case 'int32':
      return new Int32Array(buffer, byteOffset, rows);
    case 'int64':
      return new BigInt64Array(buffer, byteOffset, rows);
    case 'bool':
      return toBytes(values, rows);
    case 'bytes':
      return new BytesValues(offsets!, values);
    default:
      return new TextValues(offsets!, values);
  }
}

/** The column's bitmap as a batch has it: of an optional column always there. */
export function toValidity({ layout, validity }: RawColumn): Uint8Array | null {
  return layout.optional ? (validity ?? ALL_VALID) : null;
}

/** 64-bit integers that are safe ones, as doubles. */
export function toDoubles(values: Uint8Array, rows: number, memory?: Loan): Float64Array<ArrayBuffer> {
  const halves = words(values);
  const high = new Int32Array(halves.buffer, halves.byteOffset, halves.length);
  const doubles = memory ? new Float64Array(memory.take(rows * 8).buffer, 0, rows) : new Float64Array(rows);
  for (let row = 0; row < rows; row++) doubles[row] = high[2 * row + 1]! * TWO_32 + halves[2 * row]!;
  return doubles;
}

function toBytes(bits: Uint8Array, rows: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(rows);
  for (let row = 0; row < rows; row++) bytes[row] = bitAt(bits, row);
  return bytes;
}
