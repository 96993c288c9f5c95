import { type ColumnLayout, type ColumnType, isVariable } from '../../wal/column.js';
import { ALIGNMENT, alignedTo } from '../segment-format.js';

/** What the place of a column's parts depends on, beside the number of rows. */
export interface ColumnShape {
  readonly nulls: number;
  /** Bytes of the values of a variable column, else 0. */
  readonly bytes: number;
}

/** A part of a block's body. */
export interface Part {
  readonly offset: number;
  readonly length: number;
}

/** Where the parts of a column are in the body. */
export interface ColumnPlace {
  /** A bit for each row; empty where there are no nulls. */
  readonly validity: Part;
  /** `rows + 1` 32-bit numbers; `null` for a fixed column. */
  readonly offsets: Part | null;
  readonly values: Part;
}

export interface BodyPlaces {
  readonly columns: readonly ColumnPlace[];
  /** Where the body ends. */
  readonly length: number;
}

/** Bytes of a value in a segment; a bool has a bit, which is not a number of bytes. */
const WIDTHS = { timestamp: 8, int64: 8, float64: 8, int32: 4, float32: 4 } as const;

export function valueBytes(type: Exclude<ColumnType, 'string' | 'json' | 'bytes' | 'bool'>): number {
  return WIDTHS[type];
}

/** Bytes of the values of `rows` rows of a fixed column. */
export function fixedBytes(type: ColumnType, rows: number): number {
  return type === 'bool' ? (rows + 7) >> 3 : rows * valueBytes(type as keyof typeof WIDTHS);
}

/**
 * Where everything is in the body of a block, the one rule for writing and reading; in the block, where the length of the
 * message before the body is given.
 */
export function placeColumns(
  columns: readonly ColumnLayout[],
  rows: number,
  shapes: readonly ColumnShape[],
  messageBytes = 0,
): BodyPlaces {
  let length = messageBytes;
  const part = (bytes: number): Part => {
    const offset = length;
    length = alignedTo(offset + bytes, ALIGNMENT);
    return { offset, length: bytes };
  };
  const places = columns.map(({ type }, at) => {
    const { nulls, bytes } = shapes[at]!;
    const validity = part(nulls > 0 ? (rows + 7) >> 3 : 0);
    const offsets = isVariable(type) ? part((rows + 1) * 4) : null;
    return { validity, offsets, values: part(isVariable(type) ? bytes : fixedBytes(type, rows)) };
  });
  return { columns: places, length };
}
