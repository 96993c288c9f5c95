import { defaultIfEmpty, forkJoin, map, type Observable, of } from 'rxjs';
import { type Commit, decodeCommit } from './commit.js';
import type { Frame, FrameHeader } from './frame.js';
import type { Found, FrameScanner } from './frame-scanner.js';

/** What comes next in the log: the commit with the awaited number, whole; `more`, bytes have to be read; or no such commit. */
export type NextCommit = 'commit' | 'more' | 'none';

/** The frames of one participant, in order: of one file, or of several. */
export interface FrameSource {
  look(): Found;
  readonly current: Frame;
  advance(): void;
  fill(): Observable<void>;
}

/** Goes through the commits of a mill, putting together the frames of all participants, in order of their numbers. */
export class CommitCursor<S extends FrameSource = FrameScanner> {
  private frames: S[] = [];
  /** The lsn after the commit that was passed last. Lsns never go back: a frame with a lower one is of a commit that was cut. */
  private nextLsn = 0;

  constructor(
    readonly scanners: readonly S[],
    /** The last commit that the cursor went past. */
    public commit: number,
  ) {}

  /** Looks for the commit after `commit`. Whole means: a valid frame with its number in every participant it names. */
  look(): NextCommit {
    const number = this.commit + 1;
    let lacksBytes = false;
    let participants: bigint | null = null;
    this.frames = [];
    for (const scanner of this.scanners) {
      const found = scanner.look();
      if (found === 'more') lacksBytes = true;
      if (found !== 'frame' || !this.isNext(scanner.current.header, number)) continue;
      this.frames.push(scanner);
      participants ??= scanner.current.header.participants;
      if (scanner.current.header.participants !== participants) return 'none';
    }
    if (lacksBytes) return 'more';
    return participants !== null && this.frames.length === bitCount(participants) ? 'commit' : 'none';
  }

  private isNext({ commit, firstLsn }: FrameHeader, number: number): boolean {
    return commit === number && firstLsn >= this.nextLsn;
  }

  /** The header of a frame of the commit that `look` found; the same in all of them but for the counts of entries. */
  get header(): FrameHeader {
    return this.frames[0]!.current.header;
  }

  /** The frames of the commit that `look` found, with the scanners that found them. */
  get parts(): readonly { readonly scanner: S; readonly frame: Frame }[] {
    return this.frames.map((scanner) => ({ scanner, frame: scanner.current }));
  }

  decode(): Commit {
    // At level `off` a commit's events are in no file, but they had their lsns.
    const { commit: number, time, firstLsn, commitEvents: events } = this.header;
    return decodeCommit(
      { number, time, firstLsn, events },
      this.frames.map((scanner) => scanner.current.bytes),
    );
  }

  advance(): void {
    this.commit++;
    this.nextLsn = this.header.firstLsn + this.header.commitEvents;
    for (const scanner of this.frames) scanner.advance();
  }

  /** Reads on in every scanner that wants bytes. */
  fill(): Observable<void> {
    const wanting = this.scanners.filter((scanner) => scanner.look() === 'more');
    return wanting.length === 0
      ? of(undefined)
      : forkJoin(wanting.map((scanner) => scanner.fill().pipe(defaultIfEmpty(undefined)))).pipe(map(() => undefined));
  }
}

function bitCount(mask: bigint): number {
  let count = 0;
  for (let left = mask; left !== 0n; left &= left - 1n) count++;
  return count;
}
