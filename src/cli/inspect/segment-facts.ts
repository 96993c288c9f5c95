import { SEGMENTS_DIRECTORY } from '../../snapshots/leftovers.js';
import { segmentName } from '../../snapshots/live-segment.js';
import { isMissing, type Manifest, type SegmentEntry } from '../../snapshots/manifest.js';
import type { BlockInfo } from '../../snapshots/segment-format.js';
import type { Storage } from '../../storage/storage.js';
import { done, openForReading } from '../log-files.js';
import { bytesInWords, counted, numberOf, timeInWords } from '../words.js';

/** A segment as the manifest names it, for `--json` as it is. */
export interface SegmentFacts {
  readonly path: string;
  readonly stream: string;
  readonly streamId: number;
  readonly version: number;
  readonly rows: number;
  readonly bytes: number;
  readonly blocks: number;
  readonly firstLsn: number;
  readonly lastLsn: number;
  /** Bounds of the event time. */
  readonly minTime: string;
  readonly maxTime: string;
  /** What is wrong with the file, as far as its length tells; `millrace verify` reads it. */
  readonly fault: string | null;
}

/** A block of a segment, for `--json` as it is. */
export type BlockFacts = Omit<BlockInfo, 'minTime' | 'maxTime'> & {
  readonly minTime: string;
  readonly maxTime: string;
};

export async function segmentFacts(
  storage: Storage,
  directory: string,
  { streams }: Manifest,
  { number, info }: SegmentEntry,
): Promise<SegmentFacts> {
  const { stream, version, bytes, blocks } = info;
  const path = `${directory}/${SEGMENTS_DIRECTORY}/${segmentName(number)}`;
  return {
    path,
    stream: streams.find(({ id }) => id === stream)?.name ?? `stream ${stream}`,
    streamId: stream,
    version,
    rows: blocks.reduce((sum, { rows }) => sum + rows, 0),
    bytes,
    blocks: blocks.length,
    firstLsn: blocks[0]?.firstLsn ?? 0,
    lastLsn: blocks.at(-1)?.lastLsn ?? 0,
    minTime: timeInWords(blocks.reduce((low, { minTime }) => Math.min(low, minTime), Infinity)),
    maxTime: timeInWords(blocks.reduce((high, { maxTime }) => Math.max(high, maxTime), -Infinity)),
    fault: await faultOf(storage, path, bytes),
  };
}

async function faultOf(storage: Storage, path: string, bytes: number): Promise<string | null> {
  try {
    const file = await openForReading(storage, path);
    const size = await done(file.size());
    await done(file.close());
    return size === bytes ? null : `it has ${numberOf(size, 'byte')} in place of ${counted(bytes)}`;
  } catch (error) {
    if (!isMissing(error)) throw error;
    return 'the file is missing';
  }
}

export function blockFacts(block: BlockInfo): BlockFacts {
  return { ...block, minTime: timeInWords(block.minTime), maxTime: timeInWords(block.maxTime) };
}

export function segmentInWords(facts: SegmentFacts): string {
  const { version, rows, bytes, blocks, firstLsn, lastLsn, minTime, maxTime, fault } = facts;
  const size = `${numberOf(rows, 'row')} in ${numberOf(blocks, 'block')}, ${bytesInWords(bytes)}`;
  const damage = fault === null ? '' : `; DAMAGED: ${fault}`;
  return `version ${version}, ${size}, lsn ${counted(firstLsn)} to ${counted(lastLsn)}, event time ${minTime} to ${maxTime}${damage}`;
}

/** The segments of one stream together. */
export function segmentsInWords(segments: readonly SegmentFacts[]): string {
  const sum = (of: (facts: SegmentFacts) => number) => segments.reduce((total, facts) => total + of(facts), 0);
  const size = `${numberOf(
    sum(({ rows }) => rows),
    'row',
  )}, ${bytesInWords(sum(({ bytes }) => bytes))}`;
  return `segments of ${segments[0]!.stream}: ${numberOf(segments.length, 'file')}, ${size}`;
}

export function blockInWords(block: BlockFacts): string {
  const { offset, bytes, rows, firstLsn, lastLsn, minTime, maxTime, firstKey, lastKey } = block;
  const keys = firstKey && lastKey ? `, keys ${firstKey.join(' ')} to ${lastKey.join(' ')}` : '';
  return `  at ${counted(offset)}, ${numberOf(bytes, 'byte')}: ${numberOf(rows, 'row')}, lsn ${counted(firstLsn)} to ${counted(lastLsn)}, event time ${minTime} to ${maxTime}${keys}`;
}
