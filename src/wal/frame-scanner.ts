import { map, type Observable } from 'rxjs';
import { CorruptLogError } from '../errors.js';
import type { StorageFile } from '../storage/storage.js';
import { FRAME_HEADER_BYTES } from './format.js';
import { type Frame, isHeaderIntact, isIntact, readHeader } from './frame.js';
import type { Hash } from './hash.js';

/** What stands at a scanner's position: a valid frame; `more`, bytes have to be read first; `none`, no valid frame. */
export type Found = 'frame' | 'more' | 'none';

export const WINDOW_BYTES = 1024 * 1024;

/** Which file is scanned, and with what its frames are checked. */
export interface ScannedFile {
  readonly file: StorageFile;
  readonly participant: number;
  readonly seed: bigint;
}

/** Goes through the frames of one log file, front to back, in windows of bounded size. It reports, the caller decides. */
export class FrameScanner {
  private window: Uint8Array = new Uint8Array(0);
  private windowAt: number;
  private wanted = WINDOW_BYTES;
  private frame: Frame | null = null;

  constructor(
    readonly source: ScannedFile,
    private readonly hash: Hash,
    /** Where the next frame is expected. */
    public position: number,
    /** Where reading ends: at the end of the file, or of what may be read of it. */
    public limit: number,
  ) {
    this.windowAt = position;
  }

  /** The frame that `look` found. */
  get current(): Frame {
    return this.frame!;
  }

  look(): Found {
    if (this.frame !== null) return 'frame';
    const left = this.limit - this.position;
    if (left < FRAME_HEADER_BYTES) return 'none';
    if (this.lacks(FRAME_HEADER_BYTES)) return 'more';
    const at = this.position - this.windowAt;
    const header = readHeader(this.window, at);
    if (header === null || !isHeaderIntact(this.window, at, this.hash, this.source.seed)) return 'none';
    const length = FRAME_HEADER_BYTES + header.bodyLength;
    if (length > left) return 'none';
    if (this.lacks(length)) return 'more';
    const bytes = this.window.subarray(at, at + length);
    if (!isValidFrame(bytes, header.participants, this.source, this.hash)) return 'none';
    this.frame = { header, bytes, offset: this.position };
    return 'frame';
  }

  private lacks(length: number): boolean {
    if (this.position - this.windowAt + length <= this.window.length) return false;
    this.wanted = Math.max(WINDOW_BYTES, length);
    return true;
  }

  /** Goes past the current frame. */
  advance(): void {
    this.position += this.current.bytes.length;
    this.frame = null;
  }

  /** Reads the bytes that `look` asked for. */
  fill(): Observable<void> {
    const { position } = this;
    return readFully(this.source.file, position, Math.min(this.wanted, this.limit - position)).pipe(
      map((bytes) => {
        this.window = inAlignedMemory(bytes);
        this.windowAt = position;
      }),
    );
  }
}

/** Reads bytes that were there a moment ago: where they are not, to ask again would ask for ever. */
export function readFully(file: StorageFile, position: number, length: number): Observable<Uint8Array> {
  return file.read(position, length).pipe(
    map((bytes) => {
      if (bytes.length === length) return bytes;
      const offset = position + bytes.length;
      const message = `${file.path} has become shorter while it was read: it ends at byte ${offset}. Another program has changed it; close the mill and restore it from a backup.`;
      throw new CorruptLogError(message, { path: file.path, offset });
    }),
  );
}

/** Conditions (2) and (3) of format.ts. */
export function isValidFrame(bytes: Uint8Array, participants: bigint, source: ScannedFile, hash: Hash): boolean {
  return ((participants >> BigInt(source.participant)) & 1n) === 1n && isIntact(bytes, hash, source.seed);
}

/** Frames are read through typed arrays of 8-byte values, which want memory that begins at a multiple of 8. */
export function inAlignedMemory(bytes: Uint8Array): Uint8Array {
  return bytes.byteOffset % 8 === 0 ? bytes : new Uint8Array(bytes);
}
