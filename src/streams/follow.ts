import { type Observable, switchMap } from 'rxjs';
import type { MillraceError } from '../errors.js';
import type { Commit } from '../wal/commit.js';
import type { Apply } from './apply.js';
import type { Piece } from './history/piece.js';
import { Puller } from './history/puller.js';
import type { Scan } from './history/scan.js';
import type { Slices } from './history/slices.js';
import type { ReadSink } from './row-iterator.js';

/** Takes live rows with where they stand. */
export interface RowSink<T> {
  next(row: T, lsn: number, commit: Commit): void;
  complete(): void;
}

/** What a follower needs of its stream. */
export interface FollowedStream<T> {
  readonly apply: Apply;
  /** Rows from an lsn on. */
  scan(lsn: number): Scan<T>;
  slices(): Slices;
  /** Live rows from the next commit on, until the returned function is called. */
  attach(sink: RowSink<T>): () => void;
}

/** The event that a reading begins with, where its lsn is not known. */
export interface FirstWanted<T> {
  /** Its lsn, from `lsn` to below `until`; `null` where it is not there. */
  find(lsn: number, until: number): Observable<number | null>;
  isIt(row: T): boolean;
}

/**
 * History, then live, without gap or double. It pulls rows out of segments and memory until it has caught up with the last
 * commit that was applied, and attaches to the live rows between two commits. When its consumer wants no more for now, it
 * detaches, remembers the lsn, and goes back to pulling: the backlog of a slow consumer is in the snapshot.
 */
export class Follower<T> {
  private readonly scan: Scan<T>;
  /** Everything below this lsn was pulled. */
  private pulledTo = 0;
  private readonly puller: Puller<T>;
  private detach: (() => void) | null = null;
  private liveCommit: Commit | null = null;
  private isStopped = false;

  constructor(
    private readonly stream: FollowedStream<T>,
    /** The lsn to begin with, or what to begin with. */
    private from: number | FirstWanted<T>,
    private readonly sink: ReadSink<T>,
  ) {
    this.scan = stream.scan(typeof from === 'number' ? from : 0);
    this.puller = new Puller<T>(
      {
        next: () => {
          this.pulledTo = stream.apply.nextLsn;
          return this.next();
        },
        take: (row, lsn) => {
          if (!this.isStopped) sink.next(row, lsn);
          return !this.isStopped;
        },
        withLsns: true,
        wantsMore: () => sink.wantsMore(),
        caughtUp: () => this.caughtUp(),
        failed: (error) => this.fail(error),
      },
      stream.slices(),
    );
  }

  private next(): Observable<Piece<T> | null> {
    const { from, scan, pulledTo } = this;
    if (typeof from === 'number') return scan.next(pulledTo);
    return from.find(scan.lsn, pulledTo).pipe(
      switchMap((lsn) => {
        if (lsn !== null) this.from = lsn;
        scan.lsn = lsn ?? pulledTo;
        return scan.next(pulledTo);
      }),
    );
  }

  /** Starts, or goes on after the consumer wanted no more. */
  resume(): void {
    if (!this.isStopped && this.detach === null) this.puller.resume();
  }

  private fail(error: MillraceError): void {
    this.stop();
    this.sink.error(error);
  }

  stop(): void {
    this.isStopped = true;
    this.puller.stop();
    this.detach?.();
    this.detach = null;
  }

  private caughtUp(): void {
    const { apply } = this.stream;
    apply.betweenCommits(() => {
      if (this.isStopped || this.detach !== null) return;
      if (this.pulledTo < apply.nextLsn) this.puller.resume();
      else this.goLive();
    });
  }

  /** Goes on with the next event that is emitted, be it in the commit that is being applied now. */
  goLive(): void {
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
    if (this.detach === null || lsn < this.scan.lsn) return;
    if (commit !== this.liveCommit && !this.sink.wantsMore()) {
      this.detach();
      this.detach = null;
      this.scan.lsn = lsn;
      return;
    }
    this.liveCommit = commit;
    if (typeof this.from !== 'number') {
      if (!this.from.isIt(row)) return;
      this.from = lsn;
    }
    this.sink.next(row, lsn);
  }
}
