import { widthOf } from '../wal/column.js';
import type { StreamLayout } from '../wal/event-entry.js';
import type { Hash } from '../wal/hash.js';
import type { Job, JobResult } from './compute.js';
import { addSums, BLOCK_BYTES_MAX, BLOCK_ROWS_MAX, type BlockInfo, toHex } from './segment-format.js';
import { BlockEncoder, type EncodedBlock } from './segments/block-encoder.js';
import type { Loan } from './segments/block-memory.js';
import { RowSums, type SumOptions } from './segments/canonical-row.js';
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

/** The answer of a job that makes blocks. Its output is, for each block, its directory entry and its bytes. */
export interface BuiltBlocks {
  readonly blocks: readonly { readonly info: Omit<BlockInfo, 'offset'>; readonly messageBytes: number }[];
}

/** Job: event entries as blocks, for a `SegmentWriter`. */
export function buildBlocks(job: Job, hash: Hash, memory?: Loan): JobResult {
  return builtBlocks([...encodedBlocks(job.parameters as BuildParameters, job.input, hash, memory)]);
}

export function builtBlocks(blocks: readonly EncodedBlock[]): JobResult {
  return {
    output: blocks.flatMap(({ directory, bytes }) => [directory, bytes]),
    answer: { blocks: blocks.map(({ info, messageBytes }) => ({ info, messageBytes })) } satisfies BuiltBlocks,
  };
}

/** What the job `sumEntries` is told. */
export interface SumParameters extends BuildParameters, Partial<SumOptions> {}

/** Job: only counts and adds up the rows of event entries. Its answer is `{ rows, sum }`, as of a segment with them. */
export function sumEntries(job: Job, hash: Hash): JobResult {
  const parameters = job.parameters as SumParameters;
  const { positions = true, retained = null } = parameters;
  const sums = new RowSums(hash);
  let count = 0;
  const found: string[] = [];
  for (const { rows } of encodedBlocks(parameters, job.input, hash)) {
    const kept = sums.sumOfKept(rows, { positions, retained });
    count += kept.rows;
    found.push(toHex(kept.sum));
  }
  return { output: [], answer: { rows: count, sum: addSums(found) } };
}

/** The blocks that the rows of event entries make. */
export function* encodedBlocks(
  parameters: BuildParameters,
  input: readonly Uint8Array[],
  hash: Hash,
  memory?: Loan,
): Iterable<EncodedBlock> {
  const { layout, indexed = false } = parameters;
  const sources = new EntrySources(layout, parameters.older ?? [], new PackedEntries(input));
  const encoder = new BlockEncoder(layout, indexed, hash, memory);
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
