import { type Observable, of, switchMap } from 'rxjs';
import type { MillraceError } from '../errors.js';
import { atLsn, isBefore, type RowPosition } from '../snapshots/row-position.js';
import type { Apply } from './apply.js';
import type { Piece } from './history/piece.js';
import { Puller } from './history/puller.js';
import type { Scan } from './history/scan.js';
import type { Slices } from './history/slices.js';
import type { ReadSink } from './row-iterator.js';

/** Takes live rows with where they stand. */
export interface RowSink<T> {
  /** `group` is the same for rows that come in one go: those of a commit. */
  next(row: T, lsn: number, index: number, group: object): void;
  complete(): void;
}

/** What a follower needs of its stream. */
export interface FollowedStream<T> {
  readonly apply: Apply;
  /** Rows from a position on. */
  scan(position: RowPosition): Scan<T>;
  slices(): Slices;
  /** Live rows from the next commit on, until the returned function is called. */
  attach(sink: RowSink<T>): () => void;
}

/** The event that a reading begins with, where its position is not known. */
export interface FirstWanted<T> {
  /** Looks for it, from one position to before another. Emits where it is, or, where it is not there, from where on to look for it again. */
  find(from: RowPosition, until: RowPosition): Observable<{ readonly at: RowPosition; readonly isThere: boolean }>;
  isIt(row: T): boolean;
}

/**
 * History, then live, without gap or double. It pulls rows out of segments and memory until it has caught up with the last
 * commit that was applied, and attaches to the live rows between two commits. When its consumer wants no more for now, it
 * detaches, remembers the position, and goes back to pulling: the backlog of a slow consumer is in the snapshot.
 */
export class Follower<T> {
  private readonly scan: Scan<T>;
  /** Everything below this lsn was pulled. */
  private pulledTo = 0;
  private readonly puller: Puller<T>;
  private detach: (() => void) | null = null;
  private liveGroup: object | null = null;
  private isStopped = false;

  constructor(
    private readonly stream: FollowedStream<T>,
    /** The position to begin with, or what to begin with. */
    private from: RowPosition | FirstWanted<T>,
    private readonly sink: ReadSink<T>,
  ) {
    this.scan = stream.scan('lsn' in from ? from : atLsn(0));
    this.puller = new Puller<T>(
      {
        next: () => {
          this.pulledTo = stream.apply.nextLsn;
          return this.next();
        },
        take: (row, lsn, index) => {
          if (!this.isStopped) sink.next(row, lsn, index);
          return !this.isStopped;
        },
        withPositions: true,
        wantsMore: () => sink.wantsMore(),
        caughtUp: () => this.caughtUp(),
        failed: (error) => this.fail(error),
      },
      stream.slices(),
    );
  }

  private next(): Observable<Piece<T> | null> {
    const { from, scan } = this;
    const until = atLsn(this.pulledTo);
    if ('lsn' in from) return scan.next(until);
    return from.find(scan.position, until).pipe(
      switchMap(({ at, isThere }) => {
        if (isThere) this.from = at;
        scan.position = at;
        return isThere ? scan.next(until) : of(null);
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
    this.liveGroup = null;
    this.detach = this.stream.attach({
      next: (row, lsn, index, group) => this.live(row, { lsn, index }, group),
      complete: () => {
        this.stop();
        this.sink.complete();
      },
    });
  }

  private live(row: T, position: RowPosition, group: object): void {
    if (this.detach === null || isBefore(position, this.scan.position)) return;
    if (group !== this.liveGroup && !this.sink.wantsMore()) {
      this.detach();
      this.detach = null;
      this.scan.position = position;
      return;
    }
    this.liveGroup = group;
    if (!('lsn' in this.from)) {
      if (!this.from.isIt(row)) return;
      this.from = position;
    }
    this.sink.next(row, position.lsn, position.index);
  }
}
