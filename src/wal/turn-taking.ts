import type { SchedulerLike } from 'rxjs';
import type { WalLevel } from './record.js';

/** Milliseconds for which commits may follow each other without a wait. */
const SLICE_MS = 20;

/**
 * Lets a commit be sealed after what is running now has added its events too. At level `off` nothing makes those wait who await one
 * append after the other, so timers and the disk would never have their turn, and with them no checkpoint: now and then a
 * commit is sealed only after a pause.
 */
export class TurnTaking {
  private isScheduled = false;
  private pausedAt: number;

  constructor(private readonly scheduler: SchedulerLike) {
    this.pausedAt = scheduler.now();
  }

  /** Calls `seal` once, however often it is asked before. */
  soon(level: WalLevel, seal: () => void): void {
    if (this.isScheduled) return;
    this.isScheduled = true;
    this.scheduler.schedule(() => {
      this.isScheduled = false;
      seal();
    }, this.delayAt(level));
  }

  private delayAt(level: WalLevel): number {
    if (level !== 'off' || this.scheduler.now() - this.pausedAt < SLICE_MS) return 0;
    this.pausedAt = this.scheduler.now();
    return 1;
  }
}
