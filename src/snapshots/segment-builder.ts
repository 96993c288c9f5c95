import { widthOf } from '../wal/column.js';
import type { StreamLayout } from '../wal/event-entry.js';
import type { Hash } from '../wal/hash.js';
import type { Job, JobResult } from './compute.js';
import { addSums, BLOCK_BYTES_MAX, BLOCK_ROWS_MAX } from './segment-format.js';
import { BlockEncoder, type EncodedBlock } from './segments/block-encoder.js';
import { EntrySources } from './segments/entry-sources.js';
import { PackedEntries } from './segments/packed-entries.js';
import { BlockPlaces, sealSegment } from './segments/seal.js';
import { StagedBlock } from './segments/staged-block.js';

/** What the job `buildSegment` is told. Its input is from `packEntries`, in the order of the commits. */
export interface BuildParameters {
  /** The layout that the segment gets. */
  readonly layout: StreamLayout;
  /** The layouts that entries may have beside it: older versions of the schema. What they lack is missing in their rows. */
  readonly older?: readonly StreamLayout[];
  /** Whether rows have an index: those of derived streams, whose entries have positions. */
  readonly indexed?: boolean;
  /** At most so many rows a block; for tests. */
  readonly blockRows?: number;
}

/** Job: event entries as a segment. Its output is the file in chunks, its answer the `SegmentInfo`. */
export function buildSegment(job: Job, hash: Hash): JobResult {
  const parameters = job.parameters as BuildParameters;
  const { layout, indexed = false } = parameters;
  const around = { layout, indexed, blocks: [] };
  const [head] = sealSegment({ name: 'sealSegment', parameters: around, input: [] }, hash).output;
  const places = new BlockPlaces(head!.length);
  const bodies: Uint8Array[] = [];
  for (const { bytes, info, messageBytes, directory } of encodedBlocks(parameters, job.input, hash)) {
    places.add(info, messageBytes, directory);
    bodies.push(bytes);
  }
  const { blocks, directory } = places;
  const seal = sealSegment({ name: 'sealSegment', parameters: { layout, indexed, blocks }, input: directory }, hash);
  return { output: [head!, ...bodies, seal.output[1]!], answer: seal.answer };
}

/** Job: only counts and adds up the rows of event entries. Its answer is `{ rows, sum }`, as of a segment with them. */
export function sumEntries(job: Job, hash: Hash): JobResult {
  let rows = 0;
  const sums: string[] = [];
  for (const { info } of encodedBlocks(job.parameters as BuildParameters, job.input, hash)) {
    rows += info.rows;
    sums.push(info.sum);
  }
  return { output: [], answer: { rows, sum: addSums(sums) } };
}

/** The blocks that the rows of event entries make. */
export function* encodedBlocks(
  parameters: BuildParameters,
  input: readonly Uint8Array[],
  hash: Hash,
): Iterable<EncodedBlock> {
  const { layout, indexed = false } = parameters;
  const sources = new EntrySources(layout, parameters.older ?? [], new PackedEntries(input));
  const encoder = new BlockEncoder(layout, indexed, hash);
  const rowsMax = Math.min(parameters.blockRows ?? BLOCK_ROWS_MAX, rowsThatFit(layout), Math.max(1, sources.rows));
  const staged = new StagedBlock(layout, sources.keys, rowsMax, indexed);
  let bytesLeft = BLOCK_BYTES_MAX;
  for (const commit of sources.commits()) {
    while (commit.rowsLeft > 0) {
      const cut = commit.cut(rowsMax - staged.rows, bytesLeft, staged.rows === 0);
      bytesLeft -= commit.bytesBefore(cut);
      commit.takeBefore(cut, staged);
      if (commit.rowsLeft === 0) continue;
      yield encoder.encode(staged);
      staged.reset();
      bytesLeft = BLOCK_BYTES_MAX;
    }
  }
  if (staged.rows > 0) yield encoder.encode(staged);
}

/** Rows that a block can take if their variable values are empty. */
function rowsThatFit({ columns }: StreamLayout): number {
  const positionBytes = 16;
  const rowBytes = columns.reduce((sum, column) => sum + widthOf(column.type), positionBytes);
  return Math.max(1, Math.floor(BLOCK_BYTES_MAX / rowBytes));
}
