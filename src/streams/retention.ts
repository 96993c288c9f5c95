import type { ManifestStream, Retained } from '../snapshots/manifest.js';
import type { BlockInfo, SegmentInfo } from '../snapshots/segment-format.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Sizes of partitions, in milliseconds. */
const PARTITIONS = [DAY, HOUR, MINUTE, 1_000, 1];

/** Events go in whole partitions of event time: the largest that is at most a tenth of how long they are kept. */
export function partitionOf(retention: number): number {
  return PARTITIONS.find((partition) => partition * 10 <= retention) ?? 1;
}

/** From which event time on events are kept now: the beginning of a partition. Milliseconds since the epoch. */
export function keptFrom(now: number, retention: number): number {
  const partition = partitionOf(retention);
  return Math.floor((now - retention) / partition) * partition;
}

/** Whether nothing of a segment is kept any more. */
export function isGone(info: SegmentInfo, streams: readonly Pick<ManifestStream, 'id' | 'retained'>[]): boolean {
  const retained = streams.find(({ id }) => id === info.stream)?.retained ?? null;
  return info.blocks.every((block) => isBlockGone(block, retained));
}

/** Whether some of a block may not be kept any more. */
export function mayBeGone(block: Pick<BlockInfo, 'firstLsn' | 'minTime'>, retained: Retained | null): boolean {
  return retained !== null && block.firstLsn < retained.lsn && block.minTime < retained.from;
}

/** Whether nothing of a block is kept any more. */
export function isBlockGone({ maxTime, lastLsn }: BlockInfo, retained: Retained | null): boolean {
  return retained !== null && maxTime < retained.from && lastLsn < retained.lsn;
}
