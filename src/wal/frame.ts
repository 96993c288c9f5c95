import {
  aligned,
  BODY_BYTES_MAX,
  ENTRY_EVENTS,
  ENTRY_HEADER_BYTES,
  ENTRY_RECORD,
  FRAME_HASH_AT,
  FRAME_HEADER_BYTES,
  FRAME_HEADER_CHECK_AT,
  FRAME_MAGIC,
} from './format.js';
import type { Hash } from './hash.js';

/** What a frame says of itself and of the commit that it is a part of. */
export interface FrameHeader {
  readonly bodyLength: number;
  readonly commit: number;
  readonly participants: bigint;
  /** The last commit that was synced in every participant when this frame was written. */
  readonly durable: number;
  /** The lsn of the commit's first event. */
  readonly firstLsn: number;
  /** Events in this frame. */
  readonly events: number;
  /** Events in the whole commit. */
  readonly commitEvents: number;
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly entries: number;
}

/** An entry as it lies in a frame: its kind and its bytes, not yet decoded. */
export interface Entry {
  readonly kind: number;
  readonly bytes: Uint8Array;
}

/** A frame that was found valid. `bytes` begins with its header. */
export interface Frame {
  readonly header: FrameHeader;
  readonly bytes: Uint8Array;
  /** Where the frame begins in its file. */
  readonly offset: number;
}

/** Something that will be an entry: it knows its length (a multiple of 8) and writes itself. */
export interface EntrySource {
  readonly byteLength: number;
  encode(target: Uint8Array, at: number): void;
}

/** @throws RangeError for a body that is longer than a reader would believe. */
export function encodeFrame(
  header: Omit<FrameHeader, 'bodyLength' | 'entries'>,
  entries: readonly EntrySource[],
  hash: Hash,
  seed: bigint,
  memory: (length: number) => Uint8Array = Buffer.allocUnsafeSlow,
): Uint8Array {
  const bodyLength = entries.reduce((sum, entry) => sum + entry.byteLength, 0);
  if (bodyLength > BODY_BYTES_MAX)
    throw new RangeError(
      `its frame would be longer than ${BODY_BYTES_MAX} bytes; append fewer or smaller events at once`,
    );
  const bytes = memory(FRAME_HEADER_BYTES + bodyLength);
  let at = FRAME_HEADER_BYTES;
  for (const entry of entries) {
    entry.encode(bytes, at);
    at += entry.byteLength;
  }
  writeHeader(viewOf(bytes), { ...header, bodyLength, entries: entries.length });
  viewOf(bytes).setUint32(FRAME_HEADER_CHECK_AT, headerCheck(bytes, 0, hash, seed), true);
  viewOf(bytes).setBigUint64(FRAME_HASH_AT, hashOf(bytes, hash, seed), true);
  return bytes;
}

function writeHeader(view: DataView, header: FrameHeader): void {
  view.setUint32(0, FRAME_MAGIC, true);
  view.setUint32(4, header.bodyLength, true);
  view.setBigUint64(8, BigInt(header.commit), true);
  view.setBigUint64(16, header.participants, true);
  view.setBigUint64(24, BigInt(header.durable), true);
  view.setBigUint64(32, BigInt(header.firstLsn), true);
  view.setUint32(40, header.events, true);
  view.setUint32(44, header.commitEvents, true);
  view.setFloat64(48, header.time, true);
  view.setUint32(56, header.entries, true);
}

/** Reads a header without judging it; `null` where it cannot be one. Needs `FRAME_HEADER_BYTES` bytes at `at`. */
export function readHeader(bytes: Uint8Array, at: number): FrameHeader | null {
  const view = viewOf(bytes);
  if (view.getUint32(at, true) !== FRAME_MAGIC) return null;
  const bodyLength = view.getUint32(at + 4, true);
  if (bodyLength % 8 !== 0 || bodyLength > BODY_BYTES_MAX) return null;
  return {
    bodyLength,
    commit: Number(view.getBigUint64(at + 8, true)),
    participants: view.getBigUint64(at + 16, true),
    durable: Number(view.getBigUint64(at + 24, true)),
    firstLsn: Number(view.getBigUint64(at + 32, true)),
    events: view.getUint32(at + 40, true),
    commitEvents: view.getUint32(at + 44, true),
    time: view.getFloat64(at + 48, true),
    entries: view.getUint32(at + 56, true),
  };
}

/** Whether the check of the header and the hash of a whole frame are right. */
export function isIntact(frame: Uint8Array, hash: Hash, seed: bigint): boolean {
  const isWhole = viewOf(frame).getBigUint64(FRAME_HASH_AT, true) === hashOf(frame, hash, seed);
  return isWhole && isHeaderIntact(frame, 0, hash, seed);
}

/**
 * Whether a header is one of this file's: told before its body is read, so that bytes which only look like a header, as
 * a user's value may, cost no more than themselves.
 */
export function isHeaderIntact(bytes: Uint8Array, at: number, hash: Hash, seed: bigint): boolean {
  return viewOf(bytes).getUint32(at + FRAME_HEADER_CHECK_AT, true) === headerCheck(bytes, at, hash, seed);
}

function headerCheck(bytes: Uint8Array, at: number, hash: Hash, seed: bigint): number {
  return Number(hash(bytes.subarray(at, at + FRAME_HEADER_CHECK_AT), seed) & 0xffff_ffffn);
}

/** The hash of the header gives the seed for the body, so that nothing has to be moved together. */
function hashOf(frame: Uint8Array, hash: Hash, seed: bigint): bigint {
  const ofHeader = hash(frame.subarray(0, FRAME_HASH_AT), seed);
  return hash(frame.subarray(FRAME_HEADER_BYTES), ofHeader);
}

/** The entries of a valid frame. */
export function entriesOf(frame: Uint8Array): Entry[] {
  const view = viewOf(frame);
  const entries: Entry[] = [];
  let at = FRAME_HEADER_BYTES;
  for (let left = view.getUint32(56, true); left > 0; left--) {
    const length = view.getUint32(at, true);
    entries.push({ kind: view.getUint16(at + 4, true), bytes: frame.subarray(at, at + length) });
    at += length;
  }
  return entries;
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** An entry of the metadata log: canonical JSON. */
export function recordSource(text: string): EntrySource {
  const json = Buffer.from(text);
  const byteLength = aligned(ENTRY_HEADER_BYTES + json.length);
  return {
    byteLength,
    encode(target, at) {
      const view = viewOf(target);
      target.fill(0, at, at + byteLength);
      view.setUint32(at, byteLength, true);
      view.setUint16(at + 4, ENTRY_RECORD, true);
      view.setUint32(at + 8, json.length, true);
      target.set(json, at + ENTRY_HEADER_BYTES);
    },
  };
}

export function recordText(entry: Entry): string {
  const length = viewOf(entry.bytes).getUint32(8, true);
  return Buffer.from(entry.bytes.buffer, entry.bytes.byteOffset + ENTRY_HEADER_BYTES, length).toString('utf8');
}

export const isEvents = (entry: Entry): boolean => entry.kind === ENTRY_EVENTS;
