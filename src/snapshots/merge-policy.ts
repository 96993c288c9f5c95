/** All that the decision depends on. */
export interface MergeCandidate {
  readonly bytes: number;
  /** The partition of event time that the segment belongs to: only segments of the same one are merged. */
  readonly partition: number;
}

export interface MergeRange {
  readonly from: number;
  readonly to: number;
}

/** So many neighbours are merged, at least and at most. */
export const MERGE_COUNT_MIN = 4;
export const MERGE_COUNT_MAX = 16;
/** A file has its own cost: a smaller segment counts as if it had so many bytes. */
export const SMALLEST_BYTES = 64 * 1024;
/** Of more segments than this, partitions are not looked at any more: events with wrong times must not keep them apart for ever. */
export const PARTED_SEGMENTS_MAX = 64;
/** No merge makes a larger segment than this. */
export const MERGED_BYTES_MAX = 1024 * 1024 * 1024;

/**
 * Which neighbours to merge next: of those that may be, the smallest together, and of these the oldest. `null` for none.
 *
 * Neighbours may be merged where none of them is larger than the others together. So a row's segment at least doubles each
 * time that the row is written again: it is written again as often as the logarithm of the data. And where no four
 * neighbours may be merged, sizes grow or fall by themselves: their number stays logarithmic too, up to segments that are
 * too large to be merged.
 */
export function mergeOf(segments: readonly MergeCandidate[]): MergeRange | null {
  let best: MergeRange | null = null;
  let bestBytes = MERGED_BYTES_MAX;
  const arePartitionsKept = segments.length <= PARTED_SEGMENTS_MAX;
  for (let from = 0; from < segments.length; from++) {
    let total = 0;
    let largest = 0;
    for (let to = from; to < Math.min(segments.length, from + MERGE_COUNT_MAX); to++) {
      const { bytes, partition } = segments[to]!;
      if (arePartitionsKept && partition !== segments[from]!.partition) break;
      const counted = Math.max(bytes, SMALLEST_BYTES);
      total += counted;
      largest = Math.max(largest, counted);
      const isWorthIt = to - from + 1 >= MERGE_COUNT_MIN && largest <= total - largest;
      if (isWorthIt && total < bestBytes) {
        best = { from, to: to + 1 };
        bestBytes = total;
      }
    }
  }
  return best;
}
