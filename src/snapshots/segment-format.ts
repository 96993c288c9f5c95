import type { ColumnLayout } from '../wal/column.js';
import { atLsn, type RowPosition } from './row-position.js';

/**
 * A segment: rows of one stream in an immutable file. It is an Apache Arrow IPC file, uncompressed, so any Arrow tool
 * opens it and finds a table. All numbers are little-endian.
 *
 *     "ARROW1", two zeros
 *     the schema message
 *     blocks: a record batch message each, one after the other, each beginning at a multiple of 64
 *     the end-of-stream mark: ff ff ff ff 00 00 00 00
 *     the directory: an entry for each block; Arrow's readers pass over it
 *     the footer (where the blocks are), its length (4 bytes), "ARROW1"
 *
 * The table's columns are `$lsn` (Int64), `$index` (Int32, only in segments of derived streams; elsewhere every index is
 * 0, so the column would be 4 bytes a row for nothing), then those of the stream: timestamp → Timestamp(ms, UTC), string and
 * json → Utf8, bool → Bool, int32 and int64 → Int32 and Int64, float32 and float64 → Float32 and Float64, bytes → Binary;
 * optional → nullable.
 *
 * A block has at most 64 Ki rows. Blocks follow each other in the order of positions, (lsn, index); rows inside a block are
 * sorted by key, then by position. Keys are compared column by column in the order of the schema: text by its UTF-8 bytes,
 * numbers by value, false before true. So the rows of a key are one range, which a binary search finds.
 *
 * Key columns are plain columns, not a dictionary for each block as one might expect: Arrow's *file* format does not let a
 * later batch replace a dictionary, and one for the whole file would have to be in memory to read any block, and be
 * merged when segments are. Rows of a key stand together, so a key is decoded once a block all the same.
 *
 * A block's bytes are checked in pages of 16 KiB, counted from its beginning, so that a reader who wants one column, or
 * the rows of one key, reads and checks just these. A directory entry says what is needed for that:
 *
 *      0  4  length of the entry, a multiple of 8      32     for each column of the table, 8 bytes:
 *      4  4  rows                                               0  4  nulls
 *      8  4  length of the message before the body              4  4  bytes of its values (Utf8, Binary), else 0
 *     12  4  pages                                            xxhash64 of each page
 *     16  4  columns of the table                             the samples: JSON, [key, …], the keys of the rows
 *     20  4  every how many rows there is a sample            0, n, 2n, … where n is the number at 20;
 *     24  4  bytes of samples                                 zeros up to a multiple of 8
 *     28  4  zero
 *
 * Everything else follows: the body is, for each column, its bitmap of validity (only where there are nulls), its offsets
 * (Utf8, Binary), its values, each at the next multiple of 64.
 *
 * A segment is sound if and only if
 *   (1) the file has the length that the manifest says,
 *   (2) what is before the blocks and behind them has the manifest's hash,
 *   (3) each directory entry has the hash that the manifest says of its block,
 *   (4) each page has the hash that the entry says,
 *   (5) the rows of each block have the sum that the manifest says (segments/canonical-row.ts).
 * A reader checks (3) and (4) of what it reads, before it believes any of it; `verify` checks everything.
 */
export const BLOCK_ROWS_MAX = 65_536;
/** A block is closed before its values take more than about this, but for a single row that does. */
export const BLOCK_BYTES_MAX = 64 * 1024 * 1024;
/** A block with fewer rows is worth being sorted again with its neighbours when segments are merged. */
export const SMALL_BLOCK_ROWS = 4_096;
export const PAGE_BYTES = 16_384;
export const ALIGNMENT = 64;

export const MAGIC = Uint8Array.from(Buffer.from('ARROW1'));
/** Length of the magic and the zeros behind it. */
export const MAGIC_BYTES = 8;
export const END_OF_STREAM = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0);

export const DIRECTORY_HEADER_BYTES = 32;
/** Where samples are longer together, there is one every other time. */
export const SAMPLE_LENGTH_MAX = 8_192;
export const SAMPLES_MAX = 128;
/** A longer key is not put into the manifest: the bound is `null` then. */
export const KEY_BOUND_LENGTH_MAX = 256;

export const LSN_COLUMN: ColumnLayout = { name: '$lsn', type: 'int64', role: 'value', optional: false };
export const INDEX_COLUMN: ColumnLayout = { name: '$index', type: 'int32', role: 'value', optional: false };

/** The values of the key columns, in the order of the schema. */
export type Key = readonly (string | number | bigint | boolean)[];
/** The same as JSON: an int64 is a decimal text. */
export type JsonKey = readonly (string | number | boolean)[];

/** What the manifest says of a segment. Hashes and sums are 16 hexadecimal digits. */
export interface SegmentInfo {
  /** The number of the stream. */
  readonly stream: number;
  /** The version of the schema that the columns are of. */
  readonly version: number;
  /** Whether there is a column `$index`. */
  readonly indexed: boolean;
  /** Length of the file. */
  readonly bytes: number;
  /** Where the directory begins. */
  readonly directory: number;
  /** xxhash64 of what is behind the blocks, seeded with that of what is before them. */
  readonly hash: string;
  readonly blocks: readonly BlockInfo[];
}

/** What the manifest says of a block. */
export interface BlockInfo {
  /** Where the block is in the file. */
  readonly offset: number;
  readonly bytes: number;
  readonly rows: number;
  readonly firstLsn: number;
  readonly lastLsn: number;
  /** The indexes of the first and of the last row, by position; only where there is a column `$index`. */
  readonly firstIndex?: number;
  readonly lastIndex?: number;
  /** Bounds of the event time, milliseconds since the epoch. */
  readonly minTime: number;
  readonly maxTime: number;
  /** `null` where there are no key columns, or the key is long. */
  readonly firstKey: JsonKey | null;
  readonly lastKey: JsonKey | null;
  /** xxhash64 of the block's directory entry, and by it of every byte of the block. */
  readonly hash: string;
  /** The sum modulo 2⁶⁴ of xxhash64 of each canonical row with its position. */
  readonly sum: string;
}

/** Where the first row of a block stands. */
export function startOf({ firstLsn, firstIndex = 0 }: BlockInfo): RowPosition {
  return { lsn: firstLsn, index: firstIndex };
}

/** The first position behind a block: no row of it stands there or further on. */
export function endOf({ lastLsn, lastIndex }: BlockInfo): RowPosition {
  return lastIndex === undefined ? atLsn(lastLsn + 1) : { lsn: lastLsn, index: lastIndex + 1 };
}

/** The columns of the table. */
export function tableColumns(columns: readonly ColumnLayout[], indexed: boolean): readonly ColumnLayout[] {
  return indexed ? [LSN_COLUMN, INDEX_COLUMN, ...columns] : [LSN_COLUMN, ...columns];
}

export function toHex(hash: bigint): string {
  return hash.toString(16).padStart(16, '0');
}

export function fromHex(text: string): bigint {
  return BigInt(`0x${text}`);
}

/** The sum modulo 2⁶⁴ of sums that are 16 hexadecimal digits each: of blocks, of segments. */
export function addSums(sums: Iterable<string>): string {
  let total = 0n;
  for (const sum of sums) total = BigInt.asUintN(64, total + fromHex(sum));
  return toHex(total);
}

export function alignedTo(bytes: number, alignment: number): number {
  return Math.ceil(bytes / alignment) * alignment;
}
