import {
  BLOCK_BYTES_MAX,
  BLOCK_ROWS_MAX,
  type BlockInfo,
  type SegmentInfo,
  SMALL_BLOCK_ROWS,
} from '../segment-format.js';

/** A block of one of the segments that are merged. */
export interface BlockOf {
  readonly segment: number;
  readonly block: number;
}

export type MergeStep =
  | ({ readonly kind: 'copy' } & BlockOf)
  /** These are written anew, together. */
  | { readonly kind: 'sort'; readonly blocks: readonly BlockOf[] };

/**
 * How segments are merged, in the order of positions. A block is copied if it is large, or has no small neighbour, and has
 * the wanted version of the schema; runs of others are sorted together, up to the size of a block. Blocks of which nothing is
 * kept are left out.
 */
export function planMerge(
  segments: readonly SegmentInfo[],
  version: number,
  isGone: (block: BlockInfo) => boolean = () => false,
): readonly MergeStep[] {
  const plan: MergeStep[] = [];
  let run: BlockOf[] = [];
  let [rows, bytes] = [0, 0];
  const endRun = (): void => {
    const only = run.length === 1 ? run[0]! : null;
    if (only && segments[only.segment]!.version === version) plan.push({ kind: 'copy', ...only });
    else if (run.length > 0) plan.push({ kind: 'sort', blocks: run });
    run = [];
    [rows, bytes] = [0, 0];
  };
  const isCopied = (info: BlockInfo, segment: SegmentInfo): boolean =>
    info.rows >= SMALL_BLOCK_ROWS && segment.version === version;
  segments.forEach((segment, at) => {
    segment.blocks.forEach((info, block) => {
      if (isGone(info)) return;
      if (isCopied(info, segment) || rows + info.rows > BLOCK_ROWS_MAX || bytes + info.bytes > BLOCK_BYTES_MAX)
        endRun();
      if (isCopied(info, segment)) {
        plan.push({ kind: 'copy', segment: at, block });
      } else {
        run.push({ segment: at, block });
        rows += info.rows;
        bytes += info.bytes;
      }
    });
  });
  endRun();
  return plan;
}
