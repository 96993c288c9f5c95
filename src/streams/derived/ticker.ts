import type { SchedulerLike, Subscription } from 'rxjs';
import type { Derivation } from './derivation.js';

/** Ticks come at most so often, in milliseconds. */
const TICK_MS = 1_000;

/**
 * Writes ticks: events by which operators see the clock. One is written only when an operator needs it, and goes through the log like any
 * event, so that a replay ends the same things at the same places.
 */
export class Ticker {
  private lastTick = -Infinity;
  private timer: Subscription | null = null;
  private due = Infinity;
  private isClosed = false;

  constructor(
    private readonly derivations: readonly Derivation[],
    private readonly scheduler: SchedulerLike,
    /** Appends a tick. */
    private readonly tick: (now: number) => Promise<unknown>,
  ) {}

  /** To be called after each commit: what operators need may be other. */
  look(): void {
    if (this.isClosed) return;
    const wanted = this.wanted();
    const due = wanted === Infinity ? Infinity : Math.max(wanted, this.lastTick + TICK_MS);
    if (due === this.due) return;
    this.due = due;
    this.timer?.unsubscribe();
    this.timer = due === Infinity ? null : this.schedule(due);
  }

  close(): void {
    this.isClosed = true;
    this.timer?.unsubscribe();
  }

  private wanted(): number {
    let wanted = Infinity;
    for (const { state, tickWanted } of this.derivations)
      if (state === 'live' && tickWanted !== null && tickWanted < wanted) wanted = tickWanted;
    return wanted;
  }

  private schedule(due: number): Subscription {
    const delay = Math.max(0, due - this.scheduler.now());
    return this.scheduler.schedule(() => {
      this.due = Infinity;
      this.lastTick = this.scheduler.now();
      // Where it could not be written, the next one is looked for again.
      this.tick(this.lastTick).then(
        () => this.look(),
        () => this.look(),
      );
    }, delay);
  }
}
