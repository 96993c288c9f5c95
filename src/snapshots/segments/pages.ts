import { defer, forkJoin, map, type Observable, of } from 'rxjs';
import { MillraceError } from '../../errors.js';
import type { StorageFile } from '../../storage/storage.js';
import type { Hash } from '../../wal/hash.js';
import { type BlockInfo, PAGE_BYTES } from '../segment-format.js';
import type { Loan } from './block-memory.js';
import type { Part } from './geometry.js';

/** Pages that nobody asked for are read all the same where so few of them are between two that are needed. */
const GAP_PAGES_MAX = 4;

/** Pages of a block, one after the other, whose hashes are right. */
interface Run {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** Reads parts of a block and checks every page that they touch. */
export class BlockPages {
  constructor(
    private readonly file: StorageFile,
    private readonly block: BlockInfo,
    /** xxhash64 of each page. */
    private readonly pages: BigUint64Array,
    private readonly hash: Hash,
    private readonly memory?: Loan,
  ) {}

  /** Emits a function that gives the bytes of any of the parts, in place. Parts count from the block's beginning. */
  read(parts: readonly Part[]): Observable<(part: Part) => Uint8Array> {
    const ranges = pageRanges(parts);
    const runs = ranges.length === 0 ? of([]) : forkJoin(ranges.map((range) => this.readRun(range)));
    return runs.pipe(map((found) => (part) => bytesOf(found, part)));
  }

  private readRun({ first, last }: PageRange): Observable<Run> {
    const offset = first * PAGE_BYTES;
    const length = Math.min((last + 1) * PAGE_BYTES, this.block.bytes) - offset;
    return defer(() => this.file.read(this.block.offset + offset, length, this.memory?.take(length))).pipe(
      map((bytes) => {
        if (bytes.length < length) throw this.damaged(offset + bytes.length, 'the file ends too early');
        for (let page = first; page <= last; page++) this.check(bytes, page, (page - first) * PAGE_BYTES);
        // Typed arrays are laid over it.
        return { offset, bytes: bytes.byteOffset % 8 === 0 ? bytes : bytes.slice() };
      }),
    );
  }

  private check(bytes: Uint8Array, page: number, at: number): void {
    const found = this.hash(bytes.subarray(at, Math.min(at + PAGE_BYTES, bytes.length)));
    if (found !== this.pages[page]) throw this.damaged(page * PAGE_BYTES, 'the checksum of this page is wrong');
  }

  private damaged(at: number, what: string): MillraceError {
    return corruptSegment(this.file.path, this.block.offset + at, what);
  }
}

interface PageRange {
  readonly first: number;
  readonly last: number;
}

/** The pages that parts touch, in few ranges. */
function pageRanges(parts: readonly Part[]): readonly PageRange[] {
  const ranges: { first: number; last: number }[] = [];
  for (const { offset, length } of parts.filter((part) => part.length > 0).sort((a, b) => a.offset - b.offset)) {
    const first = Math.floor(offset / PAGE_BYTES);
    const last = Math.floor((offset + length - 1) / PAGE_BYTES);
    const open = ranges.at(-1);
    if (open !== undefined && first <= open.last + 1 + GAP_PAGES_MAX) open.last = Math.max(open.last, last);
    else ranges.push({ first, last });
  }
  return ranges;
}

function bytesOf(runs: readonly Run[], { offset, length }: Part): Uint8Array {
  if (length === 0) return new Uint8Array(0);
  const run = runs.find((found) => offset >= found.offset && offset < found.offset + found.bytes.length)!;
  return run.bytes.subarray(offset - run.offset, offset - run.offset + length);
}

export function corruptSegment(path: string, offset: number, what: string): MillraceError {
  const message = `${path} is damaged at byte ${offset}: ${what}. Nothing was changed. Put the file back from a backup of this directory.`;
  return new MillraceError('CORRUPT_SEGMENT', message, { path, offset });
}
