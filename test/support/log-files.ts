import type { Observable } from 'rxjs';
import { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import type { StorageFile } from '../../src/storage/storage.js';
import { METADATA } from '../../src/wal/format.js';
import { type EntrySource, encodeFrame, recordSource } from '../../src/wal/frame.js';
import { FrameScanner, type ScannedFile } from '../../src/wal/frame-scanner.js';
import type { Hash } from '../../src/wal/hash.js';

/** Runs what completes synchronously and gives its last value. Throws its error, or that it did not complete. */
export function now<T>(source: Observable<T>): T {
  let value: T | undefined;
  let failure: unknown = new Error('it did not complete');
  source.subscribe({
    next: (next) => {
      value = next;
    },
    error: (error) => {
      failure = error;
    },
    complete: () => {
      failure = undefined;
    },
  });
  if (failure !== undefined) throw failure;
  return value as T;
}

/** An open file with these contents, alone on its disk. */
export function fileWith(bytes: Uint8Array): StorageFile {
  const storage = new SimulatedStorage();
  storage.replace('/file.wal', bytes);
  return now(storage.open('/file.wal'));
}

/** Seeds of the files of a mill in these tests: one per participant. */
export const seedOf = (participant: number): bigint => 1_000n + BigInt(participant);

export const maskOf = (...participants: number[]): bigint =>
  participants.reduce((mask, participant) => mask | (1n << BigInt(participant)), 0n);

export interface FrameOptions {
  readonly commit: number;
  readonly durable?: number;
  readonly participants?: readonly number[];
  readonly entries?: readonly EntrySource[];
  readonly firstLsn?: number;
  readonly events?: number;
}

/** A frame of one participant, with a record in it unless it is given entries. */
export function frameFor(participant: number, hash: Hash, options: FrameOptions): Buffer {
  const { commit, durable = 0, participants = [participant], firstLsn = 1, events = 0 } = options;
  const header = {
    commit,
    durable,
    firstLsn,
    events,
    commitEvents: events,
    time: 0,
    participants: maskOf(...participants),
  };
  const entries = options.entries ?? [recordSource(`{"kind":"mark","of":${commit}}`)];
  return Buffer.from(encodeFrame(header, entries, hash, seedOf(participant)));
}

/** A file header (these tests do not look at it), the frames, and zeros. */
export function fileOf(frames: readonly Uint8Array[], zeros = 0): Buffer {
  return Buffer.concat([Buffer.alloc(64, 0xee), ...frames, Buffer.alloc(zeros)]);
}

export function sourceOf(bytes: Uint8Array, participant = METADATA): ScannedFile {
  return { file: fileWith(bytes), participant, seed: seedOf(participant) };
}

export function scannerOf(bytes: Uint8Array, hash: Hash, participant = METADATA): FrameScanner {
  return new FrameScanner(sourceOf(bytes, participant), hash, 64, bytes.length);
}

/** Looks, reading as often as that takes. */
export function look(scanner: FrameScanner): 'frame' | 'none' {
  for (let fills = 0; fills < 100; fills++) {
    const found = scanner.look();
    if (found !== 'more') return found;
    now(scanner.fill());
  }
  throw new Error('it wants more for ever');
}
