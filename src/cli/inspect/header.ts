import { describe } from '../../errors.js';
import type { StorageFile } from '../../storage/storage.js';
import { FILE_HASHED_BYTES, FILE_HEADER_BYTES, FILE_MAGIC } from '../../wal/format.js';
import { viewOf } from '../../wal/frame.js';
import type { ScannedFile } from '../../wal/frame-scanner.js';
import type { Hash } from '../../wal/hash.js';
import { readFileHeader } from '../../wal/log-file.js';
import { done } from '../log-files.js';

/** What the header of a log file says, as far as it can be read. */
export interface HeaderFacts {
  readonly path: string;
  readonly bytes: number;
  /** `null` where the file is too short to have one. */
  readonly header: {
    readonly databaseId: string;
    readonly participant: number;
    readonly fileNumber: number;
  } | null;
  /** What is wrong with it. */
  readonly fault: string | null;
}

export interface ReadHeader {
  readonly facts: HeaderFacts;
  /** How to check frames; of a damaged header more than one way may be right. */
  readonly sources: readonly ScannedFile[];
}

/** Reads the header of a log file, also a damaged one: its frames are checked with what is left of it. */
export async function readHeaderOf(file: StorageFile, hash: Hash): Promise<ReadHeader> {
  const { path } = file;
  const size = await done(file.size());
  const bytes = await done(file.read(0, FILE_HEADER_BYTES));
  const fault = await done(readFileHeader(file, hash)).then(
    () => null,
    (error) => describe(error),
  );
  if (bytes.length < FILE_HEADER_BYTES) return { facts: { path, bytes: size, header: null, fault }, sources: [] };
  const view = viewOf(bytes);
  const participant = view.getUint32(12, true);
  const databaseId = Buffer.from(bytes.subarray(16, 32)).toString('hex');
  const header = { databaseId, participant, fileNumber: Number(view.getBigUint64(32, true)) };
  // The seed of the frames is the checksum in the header. Where they differ, either it is damaged or what it is made of.
  const stored = view.getBigUint64(FILE_HASHED_BYTES, true);
  const computed = hash(bytes.subarray(0, FILE_HASHED_BYTES));
  const seeds = [...new Set([stored, computed])];
  return {
    facts: { path, bytes: size, header, fault },
    sources: seeds.map((seed) => ({ file, participant: participant & 63, seed })),
  };
}

export function beginsLikeALog(bytes: Uint8Array): boolean {
  return bytes.length >= 8 && viewOf(bytes).getBigUint64(0, true) === FILE_MAGIC;
}
