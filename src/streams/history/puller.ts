import { type Observable, type Subscription, tap } from 'rxjs';
import type { MillraceError } from '../../errors.js';
import { steps } from '../../wal/steps.js';
import type { Piece } from './piece.js';
import type { Slices } from './slices.js';
import { unread } from './unread.js';

export interface PullerHooks<T> {
  /** The next rows; `null` where there are no more for now. */
  next(): Observable<Piece<T> | null>;
  /** Takes a row; `false` to end here. */
  take(this: void, row: T, lsn: number, index: number): boolean;
  /** Whether the consumer of rows cares where they stand. */
  readonly withPositions: boolean;
  /** Whether more are wanted just now. Asked now and then. */
  wantsMore(): boolean;
  /** There were no more rows. */
  caughtUp(): void;
  failed(error: MillraceError): void;
}

/** Rows that are given before it is asked again whether more are wanted. */
const ROWS_AT_ONCE = 64;

/** Brings rows from pieces to a consumer as long as he wants more; what he has not taken of a piece it keeps for later. */
export class Puller<T> {
  private piece: Piece<T> | null = null;
  private at = 0;
  private isEnd = false;
  private isPulling = false;
  private isStopped = false;
  private pulling: Subscription | null = null;

  constructor(
    private readonly hooks: PullerHooks<T>,
    private readonly slices: Slices,
  ) {}

  /** Begins, or goes on. */
  resume(): void {
    if (this.isStopped || this.isPulling) return;
    this.isPulling = true;
    this.isEnd = false;
    const pulling = steps(() => this.step()).subscribe({
      error: (error) => this.hooks.failed(unread(error)),
      complete: () => {
        this.isPulling = false;
        if (this.isEnd && !this.isStopped) this.hooks.caughtUp();
      },
    });
    if (!pulling.closed) this.pulling = pulling;
  }

  stop(): void {
    this.isStopped = true;
    this.piece = null;
    this.pulling?.unsubscribe();
  }

  private step(): Observable<unknown> | null {
    while (!this.isStopped && !this.isEnd && this.hooks.wantsMore()) {
      if (this.slices.isOver) return this.slices.pause();
      if (this.piece === null) return this.load();
      const { take, withPositions } = this.hooks;
      this.at = this.piece.visit(this.at, this.at + ROWS_AT_ONCE, withPositions, take);
      if (this.piece !== null && this.at >= this.piece.count) this.endPiece();
    }
    return null;
  }

  private endPiece(): void {
    this.piece?.giveBack();
    this.piece = null;
  }

  private load(): Observable<unknown> {
    return this.slices.waitingFor(this.hooks.next()).pipe(
      tap((piece) => {
        this.piece = piece;
        this.at = 0;
        this.isEnd = piece === null;
      }),
    );
  }
}
