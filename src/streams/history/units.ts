import type { LiveSegment } from '../../snapshots/live-segment.js';
import { atLsn, isBefore, type RowPosition } from '../../snapshots/row-position.js';
import { type BlockInfo, endOf, startOf } from '../../snapshots/segment-format.js';
import type { UnsavedStream } from '../../snapshots/unsaved-stream.js';
import { firstWhere } from '../../wal/first-where.js';

/** What is read in one go: a block of a segment, or what is in memory of one commit. */
export type Unit = BlockUnit | EntriesUnit;

interface UnitBounds {
  /** No row stands before it … */
  readonly start: RowPosition;
  /** … and none at this position, or behind it. */
  readonly end: RowPosition;
}

export interface BlockUnit extends UnitBounds {
  readonly kind: 'block';
  readonly segment: LiveSegment;
  readonly block: number;
}

export interface EntriesUnit extends UnitBounds {
  readonly kind: 'entries';
  readonly stream: UnsavedStream;
  /** The entries from `from` to before `to`, which one commit has. */
  readonly from: number;
  readonly to: number;
}

/** Where the events of a stream are, in the order of their positions: in segments, then in memory. */
export interface StreamPlace {
  readonly segments: readonly LiveSegment[];
  readonly unsaved: UnsavedStream | null;
}

type Wanted = (block: BlockInfo) => boolean;

/** The first unit that has events at this position or behind it, but before `until`; of blocks only those that are wanted. */
export function unitFrom(
  { segments, unsaved }: StreamPlace,
  position: RowPosition,
  until: RowPosition,
  isWanted: Wanted,
): Unit | null {
  for (
    let at = firstWhere(0, segments.length, (number) => isBefore(position, segments[number]!.end));
    at < segments.length;
    at++
  ) {
    const segment = segments[at]!;
    const { blocks } = segment.entry.info;
    const first = firstWhere(0, blocks.length, (number) => isBefore(position, endOf(blocks[number]!)));
    for (let block = first; block < blocks.length; block++) {
      const info = blocks[block]!;
      if (!isBefore(startOf(info), until)) return null;
      if (isWanted(info)) return blockUnit(segment, block, info);
    }
  }
  if (unsaved === null) return null;
  // All rows of an lsn are in one entry there.
  const entry = unsaved.entryFrom(position.lsn);
  return entry < unsaved.added && isBefore(atLsn(unsaved.firstLsn(entry)), until) ? entriesUnit(unsaved, entry) : null;
}

/** The last unit that has events before this position; of blocks only those that are wanted. */
export function unitBefore({ segments, unsaved }: StreamPlace, position: RowPosition, isWanted: Wanted): Unit | null {
  if (unsaved !== null) {
    // Commits do not overlap: the last one that begins before has the last events before.
    let entry = unsaved.entryFrom(position.lsn);
    if (entry === unsaved.added || !isBefore(atLsn(unsaved.firstLsn(entry)), position)) entry--;
    if (entry >= unsaved.first) return entriesUnit(unsaved, entry);
  }
  for (
    let at = firstWhere(0, segments.length, (number) => !isBefore(segments[number]!.start, position)) - 1;
    at >= 0;
    at--
  ) {
    const segment = segments[at]!;
    const { blocks } = segment.entry.info;
    const behind = firstWhere(0, blocks.length, (number) => !isBefore(startOf(blocks[number]!), position));
    for (let block = behind - 1; block >= 0; block--) {
      if (isWanted(blocks[block]!)) return blockUnit(segment, block, blocks[block]!);
    }
  }
  return null;
}

function blockUnit(segment: LiveSegment, block: number, info: BlockInfo): BlockUnit {
  return { kind: 'block', segment, block, start: startOf(info), end: endOf(info) };
}

/** All entries of the commit that an entry belongs to. */
function entriesUnit(stream: UnsavedStream, entry: number): EntriesUnit {
  const firstLsn = stream.firstLsn(entry);
  let from = entry;
  while (from > stream.first && stream.firstLsn(from - 1) === firstLsn) from--;
  let to = entry + 1;
  while (to < stream.added && stream.firstLsn(to) === firstLsn) to++;
  return { kind: 'entries', stream, from, to, start: atLsn(firstLsn), end: atLsn(stream.lastLsn(entry) + 1) };
}
