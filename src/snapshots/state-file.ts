/**
 * The bytes of a file of keyed state: what one checkpoint wrote of one state. A *base* holds all of its keys, a *delta* what
 * changed since the file before it. A state is its last base, then the deltas that continue it, in order.
 *
 * A file is a header of 64 bytes, then blocks one after the other, of which the last is the end block. All numbers are
 * little-endian; everything begins at a multiple of 8.
 *
 *     file header                                        block header
 *      0  8  magic "MILLSTAT"                             0  4  magic "MSB1"
 *      8  4  format version                               4  4  length of the body, a multiple of 8
 *     12  4  kind: 1 base, 2 delta                        8  4  kind: 1 entries, 2 emptied slots, 3 end
 *     16  4  codec: 1 canonical JSON, 2 columnar         12  4  count of entries or slots; in the end block 0
 *     20  4  stride: fields of a value (JSON: 1)         16  8  xxhash64 of 0..15 and the body
 *     24  8  number of the file, rising with each one
 *     32  8  number of the file it continues, 0: none    body of entries: as the codec says
 *     40  8  owner: xxhash64 of the state's name,        body of emptied slots: 32 bit each, then zeros
 *            seeded with that of the database id         body of the end block (16 bytes): entries and
 *     48  8  zero                                            emptied slots in the file, 64 bit each
 *     56  8  xxhash64 of 0..55
 *
 * Each block's hash is seeded with the one before it, the first with the header's. So the hash of the end block stands for the whole file.
 * An entry is a slot, a key and a value; a slot occurs at most once in a file. An emptied slot held a key before and holds none now.
 *
 * A file is valid if and only if
 *   (1) the hash of its header is right and the header is what the manifest leads to expect,
 *   (2) every block begins with the magic, ends inside the file, and has the right hash (so none is lost, doubled, swapped or stale),
 *   (3) the end block is the last thing in the file, and its counts and hash are those of what came before and of the manifest.
 */
import { aligned } from '../wal/format.js';
import { viewOf } from '../wal/frame.js';
import type { Hash } from '../wal/hash.js';

export const STATE_FORMAT_VERSION = 1;
export const STATE_MAGIC = 0x54_41_54_53_4c_4c_49_4dn; // "MILLSTAT"
export const STATE_HEADER_BYTES = 64;
const STATE_HASHED_BYTES = 56;

export const BLOCK_MAGIC = 0x31_42_53_4d; // "MSB1"
export const BLOCK_HEADER_BYTES = 24;
const BLOCK_HASH_AT = 16;
/** A file without entries: header and end block. */
export const STATE_FILE_BYTES_MIN = STATE_HEADER_BYTES + BLOCK_HEADER_BYTES + 16;
/** A body longer than this is not believed when read. */
export const STATE_BODY_BYTES_MAX = 512 * 1024 * 1024;

export const BLOCK_ENTRIES = 1;
export const BLOCK_EMPTIED = 2;
export const BLOCK_END = 3;

/** A file of a state as the manifest names it. */
export interface StateFile {
  /** In the directory of the state files. */
  readonly name: string;
  readonly kind: 'base' | 'delta';
  readonly number: number;
  readonly bytes: number;
  /** 16 hexadecimal digits: the hash of the end block. */
  readonly checksum: string;
}

/** What the bytes of a file depend on, beside the state. */
export interface StateFileContext {
  readonly hash: Hash;
  /** 16 bytes, drawn when the mill is created. */
  readonly databaseId: Uint8Array;
}

export interface StateFileHeader {
  readonly version: number;
  readonly kind: 'base' | 'delta';
  readonly codec: number;
  readonly stride: number;
  readonly number: number;
  readonly continues: number;
  readonly owner: bigint;
}

export interface StateBlock {
  readonly kind: number;
  readonly count: number;
  readonly body: Uint8Array;
}

export interface HashedBlock {
  readonly bytes: Uint8Array;
  readonly hash: bigint;
}

export function ownerOf(name: string, { hash, databaseId }: StateFileContext): bigint {
  return hash(Buffer.from(name), hash(databaseId));
}

export function encodeStateHeader(header: StateFileHeader, hash: Hash): Uint8Array {
  const bytes = new Uint8Array(STATE_HEADER_BYTES);
  const view = viewOf(bytes);
  view.setBigUint64(0, STATE_MAGIC, true);
  view.setUint32(8, header.version, true);
  view.setUint32(12, header.kind === 'base' ? 1 : 2, true);
  view.setUint32(16, header.codec, true);
  view.setUint32(20, header.stride, true);
  view.setBigUint64(24, BigInt(header.number), true);
  view.setBigUint64(32, BigInt(header.continues), true);
  view.setBigUint64(40, header.owner, true);
  view.setBigUint64(STATE_HASHED_BYTES, hash(bytes.subarray(0, STATE_HASHED_BYTES)), true);
  return bytes;
}

/** The seed of the first block. */
export function seedOfHeader(header: Uint8Array): bigint {
  return viewOf(header).getBigUint64(STATE_HASHED_BYTES, true);
}

/** What is wrong with a header, or the header. */
export function decodeStateHeader(bytes: Uint8Array, hash: Hash): StateFileHeader | string {
  if (bytes.length < STATE_HEADER_BYTES) return `is shorter (${bytes.length} bytes) than its header`;
  const view = viewOf(bytes);
  if (view.getBigUint64(0, true) !== STATE_MAGIC) return 'is not a state file: it does not begin with "MILLSTAT"';
  if (seedOfHeader(bytes) !== hash(bytes.subarray(0, STATE_HASHED_BYTES)))
    return 'has a damaged header: its checksum is wrong';
  return {
    version: view.getUint32(8, true),
    kind: view.getUint32(12, true) === 1 ? 'base' : 'delta',
    codec: view.getUint32(16, true),
    stride: view.getUint32(20, true),
    number: Number(view.getBigUint64(24, true)),
    continues: Number(view.getBigUint64(32, true)),
    owner: view.getBigUint64(40, true),
  };
}

/** The bytes of a block with its hash, which is the seed of the next one. */
export function encodeBlock({ kind, count, body }: StateBlock, hash: Hash, seed: bigint): HashedBlock {
  const bytes = Buffer.allocUnsafeSlow(BLOCK_HEADER_BYTES + body.length);
  const view = viewOf(bytes);
  view.setUint32(0, BLOCK_MAGIC, true);
  view.setUint32(4, body.length, true);
  view.setUint32(8, kind, true);
  view.setUint32(12, count, true);
  const ofBlock = hashOfBlock(bytes, body, hash, seed);
  view.setBigUint64(BLOCK_HASH_AT, ofBlock, true);
  bytes.set(body, BLOCK_HEADER_BYTES);
  return { bytes, hash: ofBlock };
}

/** The length of the body by a block's header; null where it cannot be one. */
export function bodyLengthOf(header: Uint8Array): number | null {
  if (header.length < BLOCK_HEADER_BYTES) return null;
  const view = viewOf(header);
  const length = view.getUint32(4, true);
  const isSound = view.getUint32(0, true) === BLOCK_MAGIC && length % 8 === 0 && length <= STATE_BODY_BYTES_MAX;
  return isSound ? length : null;
}

/** Whether a whole block has the right hash: then it, and the seed of the next one. */
export function decodeBlock(
  header: Uint8Array,
  body: Uint8Array,
  hash: Hash,
  seed: bigint,
): { block: StateBlock; hash: bigint } | null {
  const view = viewOf(header);
  const ofBlock = hashOfBlock(header, body, hash, seed);
  if (view.getBigUint64(BLOCK_HASH_AT, true) !== ofBlock) return null;
  return { block: { kind: view.getUint32(8, true), count: view.getUint32(12, true), body }, hash: ofBlock };
}

function hashOfBlock(header: Uint8Array, body: Uint8Array, hash: Hash, seed: bigint): bigint {
  return hash(body, hash(header.subarray(0, BLOCK_HASH_AT), seed));
}

export function encodeSlots(slots: readonly number[]): Uint8Array {
  const body = new Uint8Array(aligned(slots.length * 4));
  const view = viewOf(body);
  for (let at = 0; at < slots.length; at++) view.setUint32(at * 4, slots[at]!, true);
  return body;
}

export function decodeSlots({ body, count }: StateBlock): number[] {
  const view = viewOf(body);
  return Array.from({ length: count }, (_, at) => view.getUint32(at * 4, true));
}

export function encodeCounts(entries: number, emptied: number): Uint8Array {
  const body = new Uint8Array(16);
  viewOf(body).setBigUint64(0, BigInt(entries), true);
  viewOf(body).setBigUint64(8, BigInt(emptied), true);
  return body;
}

/** 16 hexadecimal digits. */
export function checksumText(hash: bigint): string {
  return hash.toString(16).padStart(16, '0');
}
