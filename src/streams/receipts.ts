import { MillraceError, SchemaError } from '../errors.js';
import type { Commit, CommitReceipt } from '../wal/commit.js';

/** Where an appended event stands. */
export interface Appended {
  readonly lsn: number;
}

/** Where the first and the last of several appended events stand. Others may have taken lsns between them. */
export interface AppendedMany {
  readonly firstLsn: number;
  readonly lastLsn: number;
  readonly count: number;
}

/** Settles the promise of one append. */
export class AppendReceipt implements CommitReceipt {
  constructor(
    private readonly resolve: (appended: Appended) => void,
    readonly failed: (error: unknown) => void,
  ) {}

  committed(commit: Commit, firstOrder: number): void {
    this.resolve({ lsn: commit.firstLsn + firstOrder });
  }
}

/** Settles the promise of many appended events once the last of them is committed, or the first has failed. */
export class ManyReceipt implements CommitReceipt {
  private count = 0;
  private firstLsn = 0;
  private lastLsn = 0;
  /** How many there will be, once that is known. */
  private total = Number.POSITIVE_INFINITY;
  isOver = false;

  constructor(
    private readonly resolve: (appended: AppendedMany) => void,
    private readonly reject: (error: unknown) => void,
  ) {}

  /** Says how many events there are in all. */
  expect(total: number): void {
    this.total = total;
    this.settle();
  }

  committed(commit: Commit, firstOrder: number, count: number): void {
    if (this.count === 0) this.firstLsn = commit.firstLsn + firstOrder;
    this.lastLsn = commit.firstLsn + firstOrder + count - 1;
    this.count += count;
    this.settle();
  }

  /** Events that were committed before stay so; the error's message says how many. */
  failed(error: unknown): void {
    if (this.isOver) return;
    this.isOver = true;
    this.reject(afterSome(error, this.count));
  }

  private settle(): void {
    if (this.isOver || this.count < this.total) return;
    this.isOver = true;
    this.resolve({ firstLsn: this.firstLsn, lastLsn: this.lastLsn, count: this.count });
  }
}

/** The error, saying how many events were written before. A failed commit gives all its callers the same error: it stays as it is. */
export function afterSome(error: unknown, written: number): unknown {
  if (written === 0 || !(error instanceof MillraceError)) return error;
  const message = `${error.message} (${written} events before it were written.)`;
  const { path, offset, commit, lsn, stream, column, row } = error;
  const options = { path, offset, commit, lsn, stream, column, row, cause: error.cause ?? error };
  return error instanceof SchemaError
    ? new SchemaError(message, options)
    : new MillraceError(error.code, message, options);
}
