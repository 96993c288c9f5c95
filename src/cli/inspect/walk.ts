import { FRAME_HEADER_BYTES, FRAME_MAGIC } from '../../wal/format.js';
import { type Frame, readHeader, viewOf } from '../../wal/frame.js';
import {
  FrameScanner,
  inAlignedMemory,
  isValidFrame,
  type ScannedFile,
  WINDOW_BYTES,
} from '../../wal/frame-scanner.js';
import type { Hash } from '../../wal/hash.js';
import { done } from '../log-files.js';

/** Bytes of a log file that are no valid frame. */
export interface Gap {
  readonly from: number;
  readonly to: number;
  /** Its first byte that is not zero, and the end of its last one; `null` where all are zeros. */
  readonly dirty: { readonly from: number; readonly to: number } | null;
  /** Why no frame begins at `from`. */
  readonly reason: string;
}

/** What a log file is made of, in order: frames, and gaps between and behind them. */
export type Piece = { readonly frame: Frame } | { readonly gap: Gap };

/**
 * Goes through a whole log file, whatever is wrong with it: where no valid frame begins, it searches on for the next one.
 * Memory is bounded by the largest frame.
 */
export async function* walk(source: ScannedFile, from: number, size: number, hash: Hash): AsyncGenerator<Piece> {
  let position = from;
  while (position < size) {
    const scanner = new FrameScanner(source, hash, position, size);
    for (let found = scanner.look(); found !== 'none'; found = scanner.look()) {
      if (found === 'more') await done(scanner.fill());
      else {
        yield { frame: scanner.current };
        scanner.advance();
      }
    }
    position = scanner.position;
    if (position >= size) return;
    const reason = await reasonAt(source, position, size);
    const gap = await new GapSearch(source, position, size, hash).run();
    yield { gap: { ...gap, reason } };
    position = gap.to;
  }
}

async function reasonAt({ file, participant }: ScannedFile, offset: number, size: number): Promise<string> {
  if (offset + FRAME_HEADER_BYTES > size) return 'the file ends before a frame header would';
  const bytes = inAlignedMemory(await done(file.read(offset, FRAME_HEADER_BYTES)));
  const header = readHeader(bytes, 0);
  if (header === null) {
    const isFrame = viewOf(bytes).getUint32(0, true) === FRAME_MAGIC;
    return isFrame ? 'its frame header has an impossible length' : 'no frame begins there';
  }
  const frame = `a frame of commit ${header.commit} begins there`;
  if (offset + FRAME_HEADER_BYTES + header.bodyLength > size) return `${frame}, but the file ends before it does`;
  const isOwn = ((header.participants >> BigInt(participant)) & 1n) === 1n;
  return isOwn ? `${frame}, but its checksum is wrong` : `${frame}, but its mask does not name this file's participant`;
}

/** Searches for the next place where a valid frame begins; frames begin at multiples of 8. */
class GapSearch {
  private dirty: { from: number; to: number } | null = null;

  constructor(
    private readonly source: ScannedFile,
    private readonly from: number,
    private readonly size: number,
    private readonly hash: Hash,
  ) {}

  async run(): Promise<Omit<Gap, 'reason'>> {
    const { from, size } = this;
    for (let at = from; at < size; at += WINDOW_BYTES) {
      const bytes = inAlignedMemory(await done(this.source.file.read(at, Math.min(WINDOW_BYTES, size - at))));
      const to = await this.frameIn(bytes, at);
      this.note(to === null ? bytes : bytes.subarray(0, to - at), at);
      if (to !== null) return { from, to, dirty: this.dirty };
    }
    return { from, to: size, dirty: this.dirty };
  }

  private async frameIn(bytes: Uint8Array, at: number): Promise<number | null> {
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
    for (let word = 0; word < words.length; word += 2) {
      const offset = at + word * 4;
      // The gap's own beginning was looked at before.
      if (words[word] === FRAME_MAGIC && offset > this.from && (await this.isFrame(offset))) return offset;
    }
    return null;
  }

  private async isFrame(offset: number): Promise<boolean> {
    const { file } = this.source;
    if (offset + FRAME_HEADER_BYTES > this.size) return false;
    const header = readHeader(inAlignedMemory(await done(file.read(offset, FRAME_HEADER_BYTES))), 0);
    const length = FRAME_HEADER_BYTES + (header?.bodyLength ?? 0);
    if (header === null || offset + length > this.size) return false;
    const frame = inAlignedMemory(await done(file.read(offset, length)));
    return isValidFrame(frame, header.participants, this.source, this.hash);
  }

  private note(bytes: Uint8Array, at: number): void {
    const first = bytes.findIndex((byte) => byte !== 0);
    if (first < 0) return;
    const to = at + bytes.findLastIndex((byte) => byte !== 0) + 1;
    this.dirty = { from: this.dirty?.from ?? at + first, to };
  }
}
