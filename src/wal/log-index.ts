import { FILE_HEADER_BYTES } from './format.js';
import type { LogFile } from './log-file.js';

/** A place between two commits at which reading can begin. */
export interface LogMark {
  /** The commit before it. */
  readonly commit: number;
  /** Every event after it has this lsn or a higher one. */
  readonly nextLsn: number;
  /** Where the next frame begins, per log file. */
  readonly offsets: readonly number[];
}

const MARK_EVERY_BYTES = 1024 * 1024;

/** A sparse index of the log in memory: a mark about every mebibyte, so that reading from an lsn need not begin at the start. */
export class LogIndex {
  private readonly marks: LogMark[];
  private markedBytes = 0;

  constructor(files: readonly LogFile[], base: { readonly commit: number; readonly nextLsn: number }) {
    this.marks = [{ ...base, offsets: files.map(() => FILE_HEADER_BYTES) }];
  }

  /** Notes where the log stands after a commit of so many bytes. */
  note(commit: number, nextLsn: number, offsets: () => readonly number[], bytes: number): void {
    this.markedBytes += bytes;
    if (this.markedBytes < MARK_EVERY_BYTES) return;
    this.markedBytes = 0;
    this.marks.push({ commit, nextLsn, offsets: offsets() });
  }

  /** The last mark that is not behind the event with this lsn. */
  before(lsn: number): LogMark {
    let low = 0;
    for (let high = this.marks.length; high - low > 1; ) {
      const middle = (low + high) >> 1;
      if (this.marks[middle]!.nextLsn <= lsn) low = middle;
      else high = middle;
    }
    return this.marks[low]!;
  }
}
