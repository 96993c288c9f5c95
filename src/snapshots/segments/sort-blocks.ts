import { MillraceError } from '../../errors.js';
import { BytesValues, isValid, TextValues } from '../../wal/batch.js';
import { EventEntryBuilder, type StreamLayout } from '../../wal/event-entry.js';
import type { Hash } from '../../wal/hash.js';
import type { Job, JobResult } from '../compute.js';
import { builtBlocks, encodedBlocks } from '../segment-builder.js';
import { addSums, tableColumns } from '../segment-format.js';
import { SegmentBlock } from './block.js';
import { readDirectoryEntry } from './directory.js';
import { placeColumns } from './geometry.js';
import { type PlacedEntry, packEntries } from './packed-entries.js';
import { rawColumn } from './raw.js';

/** What the job `sortBlocks` is told. Its input is, for each block, its directory entry and its bytes. */
export interface SortParameters {
  /** The layout that the new blocks get. */
  readonly layout: StreamLayout;
  readonly indexed: boolean;
  /** At most so many rows a block; for tests. */
  readonly blockRows?: number;
  /** The blocks in the order of positions: the layout that each has, and its sum. */
  readonly blocks: readonly { readonly layout: StreamLayout; readonly sum: string }[];
}

/**
 * Job: the rows of blocks that follow each other, sorted again, in as few blocks as can be; its answer is `BuiltBlocks`. The way is that of new
 * events: the blocks become event entries. It is for small blocks, where a fast way would gain nothing.
 */
export function sortBlocks(job: Job, hash: Hash): JobResult {
  const { blocks, ...built } = job.parameters as SortParameters;
  const { indexed } = built;
  const entries = blocks.map((block, at) =>
    toEntry(decoded(block.layout, indexed, job.input[2 * at]!, job.input[2 * at + 1]!)),
  );
  const older = blocks.map((block) => block.layout);
  const sorted = [...encodedBlocks({ ...built, older }, packEntries(entries), hash)];
  if (addSums(sorted.map(({ info }) => info.sum)) !== addSums(blocks.map(({ sum }) => sum))) {
    throw new MillraceError(
      'CORRUPT_SEGMENT',
      'Blocks that were sorted again have another sum than before; nothing was changed.',
    );
  }
  return builtBlocks(sorted);
}

function decoded(layout: StreamLayout, indexed: boolean, entryBytes: Uint8Array, bytes: Uint8Array): SegmentBlock {
  const entry = readDirectoryEntry(entryBytes);
  const table = tableColumns(layout.columns, indexed);
  const places = placeColumns(table, entry.rows, entry.shapes, entry.messageBytes);
  const columns = table.map((column, at) =>
    rawColumn(column, places.columns[at]!, ({ offset, length }) => bytes.subarray(offset, offset + length)),
  );
  return new SegmentBlock(layout, { rows: entry.rows, columns });
}

/** The rows of a block in the order of their positions, as an event entry. */
function toEntry(block: SegmentBlock): PlacedEntry {
  const { layout, columns, validity, keyIndex, lsns, indexes } = block;
  const builder = new EventEntryBuilder(layout);
  const keys = columns.filter((_, at) => layout.columns[at]!.role === 'key');
  for (let key = 0; key < block.keys; key++) builder.addKey(keys.map((values) => valueAt(values, key)));
  const order = block.orderByPosition();
  builder.room(block.rows);
  order.forEach((row, at) => {
    layout.columns.forEach(({ role }, column) => {
      if (role === 'key') return;
      const value = isValid(validity[column]!, row) ? valueAt(columns[column]!, row) : undefined;
      builder.columns[column]!.set(at, value as never);
    });
    builder.commitRow(keyIndex[row] ?? 0, at);
  });
  const entry = builder.toEntry();
  const bytes = new Uint8Array(entry.byteLength);
  entry.encode(bytes, 0);
  const inOrder = <A extends Float64Array | Int32Array>(values: A): A =>
    values.map((_, at) => values[order[at]!]!) as A;
  return { bytes, firstLsn: 0, positions: { lsns: inOrder(lsns), indexes: indexes && inOrder(indexes) } };
}

function valueAt(values: SegmentBlock['columns'][number], row: number): unknown {
  return values instanceof TextValues || values instanceof BytesValues ? values.get(row) : values[row];
}
