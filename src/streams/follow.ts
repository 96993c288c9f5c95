import type { Subscription } from 'rxjs';
import { CorruptLogError, describe, MillraceError } from '../errors.js';
import type { Commit } from '../wal/commit.js';
import type { CommitCursor } from '../wal/commit-cursor.js';
import type { Hash } from '../wal/hash.js';
import type { LogSet } from '../wal/log-set.js';
import { openCursorAt } from '../wal/replay.js';
import { steps } from '../wal/steps.js';
import type { Apply } from './apply.js';

/** Takes rows with where they stand. */
export interface RowSink<T> {
  next(row: T, lsn: number, commit: Commit): void;
  complete(): void;
}

/** What a follower needs of a mill that is live. */
export interface FollowContext {
  readonly logs: LogSet;
  readonly apply: Apply;
  readonly hash: Hash;
}

/** What a follower needs of its stream. */
export interface FollowedStream<T> {
  /** Rows of a commit that is read back from the log. */
  rowsOf(commit: Commit, next: (row: T, lsn: number) => void): void;
  /** Live rows from the next commit on, until the returned function is called. */
  attach(sink: RowSink<T>): () => void;
  /** What a reader is told who falls behind where the log does not keep what he misses; else `null`. */
  lossFor(): MillraceError | null;
}

export interface FollowerSink<T> extends RowSink<T> {
  error(error: unknown): void;
  /** Whether more rows are wanted just now. Asked between two commits. */
  wantsMore(): boolean;
}

/**
 * History, then live, without gap or double. It pulls commits out of the log until it has caught up with the last one
 * that was applied, and attaches to the live rows between two commits. When its consumer wants no more for now, it
 * detaches, remembers the lsn, and goes back to pulling: the backlog of a slow consumer stays in the log.
 */
export class Follower<T> {
  private cursor: CommitCursor | null = null;
  private isPulling = false;
  private pulling: Subscription | null = null;
  private detach: (() => void) | null = null;
  private liveCommit: Commit | null = null;
  private isStopped = false;

  constructor(
    private readonly context: FollowContext,
    private readonly stream: FollowedStream<T>,
    private nextLsn: number,
    private readonly sink: FollowerSink<T>,
  ) {}

  /** Starts, or goes on after the consumer wanted no more. */
  resume(): void {
    if (this.isStopped || this.detach !== null || this.isPulling) return;
    this.isPulling = true;
    this.cursor ??= openCursorAt(this.context.logs, this.context.logs.index.before(this.nextLsn), this.context.hash);
    const { cursor } = this;
    const pulling = steps(() => this.pull(cursor)).subscribe({
      error: (error) => this.fail(error instanceof MillraceError ? error : unread(error)),
      complete: () => this.caughtUp(cursor),
    });
    if (!pulling.closed) this.pulling = pulling;
  }

  private fail(error: MillraceError): void {
    this.stop();
    this.sink.error(error);
  }

  stop(): void {
    this.isStopped = true;
    this.pulling?.unsubscribe();
    this.detach?.();
    this.detach = null;
    this.cursor = null;
  }

  private pull(cursor: CommitCursor) {
    cursor.extendTo(this.context.logs.files.map((file) => file.end));
    while (!this.isStopped && cursor.commit < this.context.apply.commit && this.sink.wantsMore()) {
      const found = cursor.look();
      if (found === 'more') return cursor.fill();
      if (found === 'none') throw unreadable(cursor);
      const commit = cursor.decode();
      cursor.advance();
      this.stream.rowsOf(commit, (row, lsn) => {
        if (lsn >= this.nextLsn) this.emit(row, lsn, commit);
      });
    }
    return null;
  }

  private emit(row: T, lsn: number, commit: Commit): void {
    this.nextLsn = lsn + 1;
    if (!this.isStopped) this.sink.next(row, lsn, commit);
  }

  private caughtUp(cursor: CommitCursor): void {
    if (this.isStopped || !this.sink.wantsMore()) {
      this.isPulling = false;
      return;
    }
    this.context.apply.betweenCommits(() => {
      this.isPulling = false;
      if (this.isStopped) return;
      if (cursor.commit < this.context.apply.commit) this.resume();
      else this.goLive();
    });
  }

  /** Goes on with the next event that is emitted, be it in the commit that is being applied now. */
  goLive(): void {
    this.cursor = null;
    this.liveCommit = null;
    this.detach = this.stream.attach({
      next: (row, lsn, commit) => this.live(row, lsn, commit),
      complete: () => {
        this.stop();
        this.sink.complete();
      },
    });
  }

  private live(row: T, lsn: number, commit: Commit): void {
    if (this.detach === null || lsn < this.nextLsn) return;
    if (commit !== this.liveCommit && !this.sink.wantsMore()) {
      this.detach();
      this.detach = null;
      this.nextLsn = lsn;
      const loss = this.stream.lossFor();
      if (loss !== null) this.fail(loss);
      return;
    }
    this.liveCommit = commit;
    this.emit(row, lsn, commit);
  }
}

function unreadable(cursor: CommitCursor): CorruptLogError {
  const commit = cursor.commit + 1;
  const { position, source } = cursor.scanners.find((scanner) => scanner.look() !== 'frame') ?? cursor.scanners[0]!;
  const message =
    `${source.file.path} could be read when the mill started, but commit ${commit} cannot be read there now (byte ${position}). ` +
    'The disk or another program has damaged it. Close the mill and restore it from a backup.';
  return new CorruptLogError(message, { path: source.file.path, offset: position, commit });
}

/** The cursor stands in the middle of what it read, so this reading is over; another one may go well. */
function unread(cause: unknown): MillraceError {
  return new MillraceError('IO', `The log could not be read: ${describe(cause)}. Nothing is lost; read again.`, {
    cause,
  });
}
