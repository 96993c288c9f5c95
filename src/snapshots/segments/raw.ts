import type { ColumnLayout } from '../../wal/column.js';
import type { ColumnPlace, Part } from './geometry.js';

/** A column of rows as a segment has it, in place. */
export interface RawColumn {
  readonly layout: ColumnLayout;
  /** A bit for each row; `null` where there are no nulls. */
  readonly validity: Uint8Array | null;
  /** Where each row's value begins and ends, counted from where the first one begins; `null` for a fixed column. */
  readonly offsets: Uint32Array | null;
  readonly values: Uint8Array;
}

/** Rows as a segment has them, in the order in which it has them. */
export interface RawRows {
  readonly rows: number;
  /** The columns of the table that were asked for. */
  readonly columns: readonly RawColumn[];
}

/** A typed array over bytes that begin at a multiple of its element's size. */
export function words(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 2);
}

/** A column of all rows of a block, in place. */
export function rawColumn(layout: ColumnLayout, place: ColumnPlace, at: (part: Part) => Uint8Array): RawColumn {
  return {
    layout,
    validity: place.validity.length > 0 ? at(place.validity) : null,
    offsets: place.offsets === null ? null : words(at(place.offsets)),
    values: at(place.values),
  };
}

export function bitAt(bits: Uint8Array, row: number): number {
  return (bits[row >> 3]! >> (row & 7)) & 1;
}

/** The bits `from` to `to` of a bitmap that begins with the bit `from & 7`; moved so that it begins with its first bit. */
export function bitsFrom(bitmap: Uint8Array, from: number, to: number): Uint8Array {
  const shift = from & 7;
  if (shift === 0) return bitmap;
  const moved = new Uint8Array((to - from + 7) >> 3);
  for (let at = 0; at < moved.length; at++) moved[at] = (bitmap[at]! >> shift) | ((bitmap[at + 1] ?? 0) << (8 - shift));
  return moved;
}
