import type { Loan } from './block-memory.js';

/** A digit of a number that rows are ordered by. */
const DIGIT_BITS = 16;
const DIGITS = 1 << DIGIT_BITS;

/**
 * The order of rows by rising `keys` (none above `max`), which starts from `order` (that of the rows themselves where it is
 * `null`): rows with the same key stay as they were. A counting sort by digits: linear in the rows.
 */
export function stableOrder(
  keys: Uint32Array,
  rows: number,
  max: number,
  order: Uint32Array | null = null,
): Uint32Array {
  const byLow = sortedByDigit(keys, rows, 0, Math.min(max + 1, DIGITS), order);
  return max < DIGITS ? byLow : sortedByDigit(keys, rows, DIGIT_BITS, (max >>> DIGIT_BITS) + 1, byLow);
}

function sortedByDigit(
  keys: Uint32Array,
  rows: number,
  shift: number,
  digits: number,
  order: Uint32Array | null,
): Uint32Array {
  const next = new Uint32Array(digits);
  for (let row = 0; row < rows; row++) next[(keys[row]! >>> shift) & (DIGITS - 1)]!++;
  let sum = 0;
  for (let digit = 0; digit < digits; digit++) {
    const count = next[digit]!;
    next[digit] = sum;
    sum += count;
  }
  const sorted = new Uint32Array(rows);
  for (let place = 0; place < rows; place++) {
    const row = order === null ? place : order[place]!;
    sorted[next[(keys[row]! >>> shift) & (DIGITS - 1)]!++] = row;
  }
  return sorted;
}

/** The order of rows by rising lsn, then by rising index. Linear in the rows, however far apart the lsns are. */
export function positionOrder(lsns: Float64Array, indexes: Int32Array | null, rows: number): Uint32Array {
  return integerOrder(lsns, rows, indexes === null ? null : indexOrder(indexes, rows));
}

/**
 * The order of rows by rising lsn where the lsns, which are all different, have no hole: so it is where one stream is written alone.
 * `null` where they have. `halves` are the low and the high half of each.
 */
export function denseOrder(halves: Uint32Array, rows: number, memory?: Loan): Uint32Array | null {
  let [least, most] = [halves[0] ?? 0, halves[0] ?? 0];
  const high = halves[1];
  for (let at = 0; at < 2 * rows; at += 2) {
    const low = halves[at]!;
    if (low < least) least = low;
    if (low > most) most = low;
    if (halves[at + 1] !== high) return null;
  }
  if (most - least !== rows - 1) return null;
  const order = memory ? new Uint32Array(memory.take(rows * 4).buffer, 0, rows) : new Uint32Array(rows);
  for (let row = 0; row < rows; row++) order[halves[2 * row]! - least] = row;
  return order;
}

/** Like `stableOrder`, by integers that lie less than 2⁵³ apart. */
export function integerOrder(values: Float64Array, rows: number, order: Uint32Array | null = null): Uint32Array {
  let [least, most] = [values[0] ?? 0, values[0] ?? 0];
  for (let row = 1; row < rows; row++) {
    const value = values[row]!;
    if (value < least) least = value;
    if (value > most) most = value;
  }
  const span = most - least;
  const part = new Uint32Array(rows);
  for (let row = 0; row < rows; row++) part[row] = (values[row]! - least) >>> 0;
  const byLow = stableOrder(part, rows, Math.min(span, 0xffffffff), order);
  if (span < 2 ** 32) return byLow;
  for (let row = 0; row < rows; row++) part[row] = Math.floor((values[row]! - least) / 2 ** 32);
  return stableOrder(part, rows, Math.floor(span / 2 ** 32), byLow);
}

function indexOrder(indexes: Int32Array, rows: number): Uint32Array | null {
  let max = 0;
  for (let row = 0; row < rows; row++) if (indexes[row]! > max) max = indexes[row]!;
  return max === 0 ? null : stableOrder(Uint32Array.from(indexes.subarray(0, rows)), rows, max);
}
