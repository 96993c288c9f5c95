import type { LiveSegment } from '../../snapshots/live-segment.js';
import type { BlockInfo } from '../../snapshots/segment-format.js';
import type { UnsavedStream } from '../../snapshots/unsaved-stream.js';
import { firstWhere } from '../../wal/first-where.js';

/** What is read in one go: a block of a segment, or what is in memory of one commit. */
export type Unit = BlockUnit | EntriesUnit;

export interface BlockUnit {
  readonly kind: 'block';
  readonly segment: LiveSegment;
  readonly block: number;
  readonly firstLsn: number;
  readonly lastLsn: number;
}

export interface EntriesUnit {
  readonly kind: 'entries';
  readonly stream: UnsavedStream;
  /** The entries from `from` to before `to`, which one commit has. */
  readonly from: number;
  readonly to: number;
  readonly firstLsn: number;
  readonly lastLsn: number;
}

/** Where the events of a stream are, in the order of their lsns: in segments, then in memory. */
export interface StreamPlace {
  readonly segments: readonly LiveSegment[];
  readonly unsaved: UnsavedStream | null;
}

type Wanted = (block: BlockInfo) => boolean;

/** The first unit that has events with this lsn or a higher one, but below `until`; of blocks only those that are wanted. */
export function unitFrom(
  { segments, unsaved }: StreamPlace,
  lsn: number,
  until: number,
  isWanted: Wanted,
): Unit | null {
  for (
    let at = firstWhere(0, segments.length, (number) => segments[number]!.lastLsn >= lsn);
    at < segments.length;
    at++
  ) {
    const segment = segments[at]!;
    const { blocks } = segment.entry.info;
    const first = firstWhere(0, blocks.length, (number) => blocks[number]!.lastLsn >= lsn);
    for (let block = first; block < blocks.length; block++) {
      const info = blocks[block]!;
      if (info.firstLsn >= until) return null;
      if (isWanted(info)) return blockUnit(segment, block, info);
    }
  }
  if (unsaved === null) return null;
  const entry = unsaved.entryFrom(lsn);
  return entry < unsaved.added && unsaved.firstLsn(entry) < until ? entriesUnit(unsaved, entry) : null;
}

/** The last unit that has events with a lower lsn than this; of blocks only those that are wanted. */
export function unitBefore({ segments, unsaved }: StreamPlace, lsn: number, isWanted: Wanted): Unit | null {
  if (unsaved !== null) {
    // Commits do not overlap: the last one that begins below has the last events below.
    let entry = unsaved.entryFrom(lsn);
    if (entry === unsaved.added || unsaved.firstLsn(entry) >= lsn) entry--;
    if (entry >= unsaved.first) return entriesUnit(unsaved, entry);
  }
  for (let at = firstWhere(0, segments.length, (number) => segments[number]!.firstLsn >= lsn) - 1; at >= 0; at--) {
    const segment = segments[at]!;
    const { blocks } = segment.entry.info;
    for (
      let block = firstWhere(0, blocks.length, (number) => blocks[number]!.firstLsn >= lsn) - 1;
      block >= 0;
      block--
    ) {
      if (isWanted(blocks[block]!)) return blockUnit(segment, block, blocks[block]!);
    }
  }
  return null;
}

function blockUnit(segment: LiveSegment, block: number, { firstLsn, lastLsn }: BlockInfo): BlockUnit {
  return { kind: 'block', segment, block, firstLsn, lastLsn };
}

/** All entries of the commit that an entry belongs to. */
function entriesUnit(stream: UnsavedStream, entry: number): EntriesUnit {
  const firstLsn = stream.firstLsn(entry);
  let from = entry;
  while (from > stream.first && stream.firstLsn(from - 1) === firstLsn) from--;
  let to = entry + 1;
  while (to < stream.added && stream.firstLsn(to) === firstLsn) to++;
  return { kind: 'entries', stream, from, to, firstLsn, lastLsn: stream.lastLsn(entry) };
}
