import type { StreamLayout } from '../../wal/event-entry.js';
import type { Hash } from '../../wal/hash.js';
import type { Job, JobResult } from '../compute.js';
import { type BlockInfo, END_OF_STREAM, type SegmentInfo, tableColumns, toHex } from '../segment-format.js';
import { arrowSchema, headOf, tailOf } from './arrow.js';

/** A block that has its place in a segment. */
export interface PlacedBlock {
  readonly info: BlockInfo;
  readonly messageBytes: number;
}

/** What the job `sealSegment` is told. Its input are the blocks' directory entries. */
export interface SealParameters {
  readonly layout: StreamLayout;
  readonly indexed: boolean;
  /** In the order of the file, one right behind the other; the first one behind the head. */
  readonly blocks: readonly PlacedBlock[];
}

/**
 * Job: what is around the blocks of a segment. Its output is the head, which depends on the layout alone, and the tail; its
 * answer the `SegmentInfo`.
 */
export function sealSegment(job: Job, hash: Hash): JobResult {
  const { layout, indexed, blocks } = job.parameters as SealParameters;
  const schema = arrowSchema(tableColumns(layout.columns, indexed));
  const head = headOf(schema);
  const batches = blocks.map(({ info: { offset, bytes }, messageBytes }) => ({ offset, bytes, messageBytes }));
  const tail = tailOf(schema, batches, job.input);
  const last = blocks.at(-1)?.info;
  const end = last ? last.offset + last.bytes : head.length;
  const info: SegmentInfo = {
    stream: layout.id,
    version: layout.version,
    indexed,
    bytes: end + tail.length,
    directory: end + END_OF_STREAM.length,
    hash: toHex(hash(tail, hash(head))),
    blocks: blocks.map((block) => block.info),
  };
  return { output: [head, tail], answer: info };
}

/** Gives blocks their places one after the other. */
export class BlockPlaces {
  readonly blocks: PlacedBlock[] = [];
  /** The blocks' directory entries. */
  readonly directory: Uint8Array[] = [];

  /** `end` is the length of the head. */
  constructor(private end: number) {}

  /** Gives where the block begins. */
  add(info: Omit<BlockInfo, 'offset'>, messageBytes: number, directoryEntry: Uint8Array): number {
    const offset = this.end;
    this.blocks.push({ info: { ...info, offset }, messageBytes });
    this.directory.push(directoryEntry);
    this.end += info.bytes;
    return offset;
  }
}
