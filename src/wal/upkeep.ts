import type { SchedulerLike, Subscription } from 'rxjs';
import type { LogWriter } from './writer.js';

/** Milliseconds without a new commit after which the log is made durable and marked. */
export const IDLE_MS = 1_000;
/** Under load, level `flush` syncs at least this often. */
export const FLUSH_SYNC_MS = 5_000;

/**
 * What the log wants in quiet moments. When it falls idle it is synced (level `flush`) and a mark is written, whose
 * `durable` covers everything before: without it, nothing would tell damage to the last commits from a torn end. Under
 * load, level `flush` syncs every five seconds.
 */
export class Upkeep {
  private timer: Subscription | undefined;
  private activeAt = 0;
  private syncedAt: number;
  private isMarked = true;
  private isStopped = false;

  constructor(
    private readonly writer: LogWriter,
    private readonly scheduler: SchedulerLike,
  ) {
    this.syncedAt = scheduler.now();
  }

  /** To be called after each commit with events. */
  active(): void {
    if (this.writer.options.level === 'off') return;
    this.activeAt = this.scheduler.now();
    this.isMarked = false;
    if (this.timer === undefined) {
      if (this.writer.options.level === 'flush' && !this.writer.logs.isDirty) this.syncedAt = this.activeAt;
      this.wait(IDLE_MS);
    }
  }

  stop(): void {
    this.timer?.unsubscribe();
    this.timer = undefined;
    this.isMarked = true;
    this.isStopped = true;
  }

  private wait(delay: number): void {
    this.timer = this.scheduler.schedule(() => this.look(), delay);
  }

  private look(): void {
    this.timer = undefined;
    if (this.writer.failure !== null || this.isMarked) return;
    const now = this.scheduler.now();
    const idleIn = this.activeAt + IDLE_MS - now;
    if (idleIn <= 0) {
      this.isMarked = true;
      // At level flush the mark's own sync covers the VGroups first, but its `durable` would not: so sync before.
      this.sync(() => this.mark());
      return;
    }
    const isFlush = this.writer.options.level === 'flush';
    if (isFlush && now - this.syncedAt >= FLUSH_SYNC_MS) this.sync(() => {});
    this.wait(isFlush ? Math.min(idleIn, this.syncedAt + FLUSH_SYNC_MS - now) : idleIn);
  }

  private sync(then: () => void): void {
    const { logs, lastCommit } = this.writer;
    this.syncedAt = this.scheduler.now();
    if (logs.durable >= lastCommit) then();
    else logs.sync(lastCommit).subscribe({ error: (error) => this.writer.poison(error), complete: then });
  }

  /** Where more came while the sync ran, a mark would not vouch for it: then in the next quiet moment. */
  private mark(): void {
    const { writer } = this;
    if (writer.failure !== null || this.isStopped) return;
    if (writer.isIdle && writer.logs.durable >= writer.lastCommit) {
      writer.record({ kind: 'mark' });
    } else {
      this.isMarked = false;
      if (this.timer === undefined) this.wait(IDLE_MS);
    }
  }
}
