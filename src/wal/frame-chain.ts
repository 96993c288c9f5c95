import type { Observable } from 'rxjs';
import type { Frame } from './frame.js';
import type { Found, FrameScanner } from './frame-scanner.js';

/**
 * The log files of one participant, oldest first, as one sequence of frames. Where a file has no further frame the next
 * one goes on; whether a commit is missing there shows by its number.
 */
export class FrameChain {
  private active = 0;

  constructor(
    readonly scanners: readonly FrameScanner[],
    /** Frames of commits up to this one are in the snapshot already: they are passed over. */
    private readonly base: number,
  ) {}

  /** The scanner of the file that the chain is in. */
  get scanner(): FrameScanner {
    return this.scanners[this.active]!;
  }

  /** The frame that `look` found. */
  get current(): Frame {
    return this.scanner.current;
  }

  look(): Found {
    for (;;) {
      const found = this.scanner.look();
      if (found === 'frame' && this.current.header.commit <= this.base) this.advance();
      else if (found === 'none' && this.active < this.scanners.length - 1) this.active++;
      else return found;
    }
  }

  /** Goes past the current frame. */
  advance(): void {
    this.scanner.advance();
  }

  /** Reads the bytes that `look` asked for. */
  fill(): Observable<void> {
    return this.scanner.fill();
  }
}
