import type { FixedArray } from '../../wal/column.js';
import { words } from './raw.js';
import type { StagedVariable } from './staging.js';

// Staged values into a block's body, in the order of the block. `target` is where they go, zero so far.

const TWO_32 = 2 ** 32;
/** Up to this many bytes a loop is faster than a view and a copy. */
const FEW_BYTES = 48;

export function putFixed(target: Uint8Array, source: FixedArray, order: Uint32Array): void {
  if (source instanceof Float64Array) {
    const doubles = new Float64Array(target.buffer, target.byteOffset, order.length);
    for (let at = 0; at < order.length; at++) doubles[at] = source[order[at]!]!;
    return;
  }
  const to = words(target);
  const from = new Uint32Array(source.buffer, source.byteOffset, source.byteLength >> 2);
  if (source.BYTES_PER_ELEMENT === 4) {
    for (let at = 0; at < order.length; at++) to[at] = from[order[at]!]!;
    return;
  }
  for (let at = 0; at < order.length; at++) {
    const row = order[at]!;
    to[2 * at] = from[2 * row]!;
    to[2 * at + 1] = from[2 * row + 1]!;
  }
}

/** Safe integers, kept as doubles, as 64-bit integers. A -0 becomes 0. */
export function putDoublesAsIntegers(target: Uint8Array, source: Float64Array, order: Uint32Array): void {
  const halves = words(target);
  for (let at = 0; at < order.length; at++) {
    const value = source[order[at]!]!;
    const high = Math.floor(value / TWO_32);
    halves[2 * at] = value - high * TWO_32;
    halves[2 * at + 1] = high;
  }
}

/** Bytes that are 0 or 1, as bits. */
export function putBits(target: Uint8Array, source: Uint8Array, order: Uint32Array): void {
  for (let at = 0; at < order.length; at++) target[at >> 3]! |= source[order[at]!]! << (at & 7);
}

export function putVariable(offsets: Uint8Array, values: Uint8Array, source: StagedVariable, order: Uint32Array): void {
  const ends = words(offsets);
  const { bytes, offsets: starts } = source;
  let end = 0;
  for (let at = 0; at < order.length; at++) {
    const row = order[at]!;
    const start = starts[row]!;
    const length = starts[row + 1]! - start;
    if (length > FEW_BYTES) values.set(bytes.subarray(start, start + length), end);
    else for (let byte = 0; byte < length; byte++) values[end + byte] = bytes[start + byte]!;
    end += length;
    ends[at + 1] = end;
  }
}
