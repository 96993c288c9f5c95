import { viewOf } from '../../wal/frame.js';
import type { Hash } from '../../wal/hash.js';
import { DIRECTORY_HEADER_BYTES, type JsonKey, PAGE_BYTES } from '../segment-format.js';
import type { ColumnShape } from './geometry.js';
import type { KeySamples } from './key-runs.js';

/** What the directory says of a block. */
export interface DirectoryEntry {
  readonly rows: number;
  readonly messageBytes: number;
  readonly shapes: readonly ColumnShape[];
  /** xxhash64 of each page of the block. */
  readonly pages: BigUint64Array;
  readonly samples: KeySamples;
}

/** The directory entry of a block with these bytes. */
export function directoryEntry(about: Omit<DirectoryEntry, 'pages'>, block: Uint8Array, hash: Hash): Uint8Array {
  const { samples } = about;
  const text = Buffer.from(JSON.stringify(samples.keys));
  const pages = Math.ceil(block.length / PAGE_BYTES);
  const pagesAt = DIRECTORY_HEADER_BYTES + about.shapes.length * 8;
  const textAt = pagesAt + pages * 8;
  const entry = new Uint8Array((textAt + text.length + 7) & ~7);
  const view = viewOf(entry);
  const header = [entry.length, about.rows, about.messageBytes, pages, about.shapes.length, samples.every, text.length];
  for (const [at, value] of header.entries()) view.setUint32(at * 4, value, true);
  about.shapes.forEach(({ nulls, bytes }, at) => {
    view.setUint32(DIRECTORY_HEADER_BYTES + at * 8, nulls, true);
    view.setUint32(DIRECTORY_HEADER_BYTES + at * 8 + 4, bytes, true);
  });
  for (let page = 0; page < pages; page++) view.setBigUint64(pagesAt + page * 8, hash(pageOf(block, page)), true);
  entry.set(text, textAt);
  return entry;
}

function pageOf(block: Uint8Array, page: number): Uint8Array {
  return block.subarray(page * PAGE_BYTES, Math.min((page + 1) * PAGE_BYTES, block.length));
}

/** Takes a directory apart into the entries of its blocks; `null` where it does not consist of `count` entries. */
export function splitDirectory(directory: Uint8Array, count: number): readonly Uint8Array[] | null {
  const entries: Uint8Array[] = [];
  let at = 0;
  for (let block = 0; block < count; block++) {
    const length = at + DIRECTORY_HEADER_BYTES <= directory.length ? viewOf(directory).getUint32(at, true) : 0;
    if (length < DIRECTORY_HEADER_BYTES || at + length > directory.length) return null;
    entries.push(directory.subarray(at, at + length));
    at += length;
  }
  return entries;
}

/** Reads an entry whose hash was found right. */
export function readDirectoryEntry(entry: Uint8Array): DirectoryEntry {
  const view = viewOf(entry);
  const header = (at: number): number => view.getUint32(at * 4, true);
  const [pages, columns, textBytes] = [header(3), header(4), header(6)];
  const pagesAt = DIRECTORY_HEADER_BYTES + columns * 8;
  const textAt = pagesAt + pages * 8;
  const text = Buffer.from(entry.buffer, entry.byteOffset + textAt, textBytes).toString('utf8');
  return {
    rows: header(1),
    messageBytes: header(2),
    shapes: Array.from({ length: columns }, (_, at) => ({
      nulls: view.getUint32(DIRECTORY_HEADER_BYTES + at * 8, true),
      bytes: view.getUint32(DIRECTORY_HEADER_BYTES + at * 8 + 4, true),
    })),
    pages: BigUint64Array.from({ length: pages }, (_, page) => view.getBigUint64(pagesAt + page * 8, true)),
    samples: { every: header(5), keys: JSON.parse(text) as JsonKey[] },
  };
}
