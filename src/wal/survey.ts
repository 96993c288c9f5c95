import { concat, defer, EMPTY, map, type Observable, of, switchMap, tap } from 'rxjs';
import { FRAME_HEADER_BYTES, FRAME_MAGIC } from './format.js';
import { type FrameHeader, isHeaderIntact, readHeader } from './frame.js';
import { inAlignedMemory, isValidFrame, readFully, type ScannedFile, WINDOW_BYTES } from './frame-scanner.js';
import type { Hash } from './hash.js';
import { steps } from './steps.js';

/** What lies in a log file behind the last frame that could be read in order. */
export interface Survey {
  /** The first byte that is not zero, or `null`: the file ends clean. */
  readonly dirtyFrom: number | null;
  /** Where the last byte that is not zero ends. */
  readonly dirtyTo: number;
  /** Valid frames found by searching on. */
  readonly frames: number;
  /** The first of them: where it is, and its commit. */
  readonly first: { readonly offset: number; readonly commit: number } | null;
  /** The highest commit that one of them says was durable. */
  readonly durable: number;
  /** The highest commit that one of them belongs to. */
  readonly commit: number;
}

/**
 * Searches a file from `from` to `size` for anything that is not zero and for valid frames, wherever they begin. A
 * frame behind an unreadable place tells what was durable when it was written: that decides between a torn end and damage.
 */
export function survey(source: ScannedFile, from: number, size: number, hash: Hash): Observable<Survey> {
  return defer(() => {
    const surveyor = new Surveyor(source, from, size, hash);
    return concat(
      steps(() => surveyor.next()),
      defer(() => of(surveyor.seen)),
    );
  });
}

class Surveyor {
  seen: Survey = { dirtyFrom: null, dirtyTo: 0, frames: 0, first: null, durable: 0, commit: 0 };
  private window: Uint8Array = new Uint8Array(0);
  private windowAt = 0;

  constructor(
    private readonly source: ScannedFile,
    private position: number,
    private readonly size: number,
    private readonly hash: Hash,
  ) {}

  next(): Observable<unknown> | null {
    if (this.position >= this.size) return null;
    const windowEnd = this.windowAt + this.window.length;
    if (this.position >= windowEnd) return this.fill();
    const offset = this.nextMagic();
    if (offset !== null) return this.candidate(offset);
    this.position = windowEnd;
    return EMPTY;
  }

  private fill(): Observable<unknown> {
    return this.read(this.position, Math.min(WINDOW_BYTES, this.size - this.position)).pipe(
      tap((bytes) => {
        this.window = inAlignedMemory(bytes);
        this.windowAt = this.position;
        const { seen, position } = this;
        const end = endOfData(bytes);
        if (end === 0) return;
        const dirtyFrom = seen.dirtyFrom ?? position + bytes.findIndex((byte) => byte !== 0);
        this.seen = { ...seen, dirtyFrom, dirtyTo: Math.max(seen.dirtyTo, position + end) };
      }),
    );
  }

  private nextMagic(): number | null {
    const { window, windowAt } = this;
    const words = new Uint32Array(window.buffer, window.byteOffset, window.length >> 2);
    for (let word = (this.position - windowAt) >> 2; word < words.length; word += 2) {
      if (words[word] === FRAME_MAGIC && this.mayBegin(window, word * 4)) return windowAt + word * 4;
    }
    return null;
  }

  /** Looks whether a frame begins at `offset`, and goes on behind it, or 8 bytes on. */
  private candidate(offset: number): Observable<unknown> {
    return this.frameAt(offset).pipe(
      tap((header) => {
        this.position = offset + (header === null ? 8 : FRAME_HEADER_BYTES + header.bodyLength);
        if (header === null) return;
        const { frames, first, durable, commit, dirtyTo, dirtyFrom } = this.seen;
        this.seen = {
          dirtyFrom,
          dirtyTo: Math.max(dirtyTo, this.position),
          frames: frames + 1,
          first: first ?? { offset, commit: header.commit },
          durable: Math.max(durable, header.durable),
          commit: Math.max(commit, header.commit),
        };
      }),
    );
  }

  /** Whether a frame may begin here: bytes that only look like one are passed over without a word to the disk. */
  private mayBegin(window: Uint8Array, at: number): boolean {
    if (at + FRAME_HEADER_BYTES > window.length) return true;
    return readHeader(window, at) !== null && isHeaderIntact(window, at, this.hash, this.source.seed);
  }

  private frameAt(offset: number): Observable<FrameHeader | null> {
    if (offset + FRAME_HEADER_BYTES > this.size) return of(null);
    return this.read(offset, FRAME_HEADER_BYTES).pipe(
      switchMap((bytes) => {
        const header = readHeader(bytes, 0);
        const length = FRAME_HEADER_BYTES + (header?.bodyLength ?? 0);
        if (header === null || offset + length > this.size) return of(null);
        if (!isHeaderIntact(bytes, 0, this.hash, this.source.seed)) return of(null);
        const isValid = (frame: Uint8Array) => isValidFrame(frame, header.participants, this.source, this.hash);
        return this.read(offset, length).pipe(map((frame) => (isValid(frame) ? header : null)));
      }),
    );
  }

  /** From the window where it has the bytes. */
  private read(offset: number, length: number): Observable<Uint8Array> {
    const at = offset - this.windowAt;
    if (at >= 0 && at + length <= this.window.length) return of(this.window.subarray(at, at + length));
    return readFully(this.source.file, offset, length);
  }
}

/** Where the last byte that is not zero ends. */
function endOfData(bytes: Uint8Array): number {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end--;
  return end;
}
