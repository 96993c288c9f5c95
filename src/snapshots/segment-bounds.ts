import type { BlockInfo } from './segment-format.js';
import type { SegmentBlock } from './segments/block.js';
import { compareKeys, fromJsonKey, keyColumns } from './segments/key-order.js';

/**
 * Whether the rows of a block are what the manifest says of them, and stand in their order: readers pass over blocks by
 * these bounds, and look for keys by halving. Gives what is wrong, or `null`.
 */
export function faultInBounds(block: SegmentBlock, info: BlockInfo): string | null {
  if (block.rows !== info.rows) return `it has ${block.rows} rows in place of ${info.rows}`;
  return faultInPositions(block, info) ?? faultInTimes(block, info) ?? faultInKeys(block, info);
}

function faultInPositions(block: SegmentBlock, info: BlockInfo): string | null {
  const { firstLsn, lastLsn, firstIndex, lastIndex } = info;
  const { lsns, indexes, rows } = block;
  const order = block.orderByPosition();
  for (let at = 1; at < rows; at++) {
    const [before, row] = [order[at - 1]!, order[at]!];
    const isTwice = lsns[row] === lsns[before] && (indexes === null || indexes[row] === indexes[before]);
    if (isTwice) return `it has two rows with lsn ${lsns[row]}`;
  }
  const [first, last] = [lsns[order[0]!], lsns[order[rows - 1]!]];
  if (first !== firstLsn || last !== lastLsn)
    return `it has lsns ${first} to ${last} in place of ${firstLsn} to ${lastLsn}`;
  if (indexes === null) return null;
  const [firstAt, lastAt] = [indexes[order[0]!], indexes[order[rows - 1]!]];
  return firstAt === firstIndex && lastAt === lastIndex
    ? null
    : `it has indexes ${firstAt} to ${lastAt} in place of ${firstIndex} to ${lastIndex}`;
}

function faultInTimes({ layout, columns }: SegmentBlock, { minTime, maxTime }: BlockInfo): string | null {
  const times = columns[layout.columns.findIndex(({ role }) => role === 'time')] as Float64Array;
  let [low, high] = [Infinity, -Infinity];
  for (const time of times) {
    if (time < low) low = time;
    if (time > high) high = time;
  }
  return low === minTime && high === maxTime
    ? null
    : `it has event times ${low} to ${high} in place of ${minTime} to ${maxTime}`;
}

/** Rows are sorted by key, those of a key by position. */
function faultInKeys(block: SegmentBlock, { firstKey, lastKey }: BlockInfo): string | null {
  const { keyIndex, lsns, indexes, rows, keys } = block;
  const isSorted = (row: number): boolean => {
    if (keys > 0 && keyIndex[row] !== keyIndex[row - 1]) return true;
    const step = lsns[row]! - lsns[row - 1]!;
    return step > 0 || (step === 0 && indexes !== null && indexes[row]! > indexes[row - 1]!);
  };
  for (let row = 1; row < rows; row++) if (!isSorted(row)) return `its row ${row} is not in order`;
  for (let key = 1; key < keys; key++) {
    if (compareKeys(block.keyAt(key - 1), block.keyAt(key)) >= 0) return `its key ${key} is not in order`;
  }
  const columns = keyColumns(block.layout.columns);
  const isFirst = firstKey === null || compareKeys(block.keyAt(0), fromJsonKey(columns, firstKey)) === 0;
  const isLast = lastKey === null || compareKeys(block.keyAt(keys - 1), fromJsonKey(columns, lastKey)) === 0;
  return isFirst && isLast ? null : 'its keys are not those that the manifest says';
}
