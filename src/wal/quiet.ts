/** Those who wait until a writer is quiet: idle, or paused between two commits. */
export class Quiet {
  private readonly waitingForIdle: (() => void)[] = [];
  private waitingForPause: (() => void) | null = null;
  isPaused = false;

  constructor(
    private readonly isIdle: () => boolean,
    private readonly isBetweenCommits: () => boolean,
  ) {}

  whenIdle(callback: () => void): void {
    this.waitingForIdle.push(callback);
  }

  /** One pause at a time. */
  pause(callback: () => void): void {
    this.isPaused = true;
    this.waitingForPause = callback;
  }

  resume(): void {
    this.isPaused = false;
  }

  /** Calls back those for whom it is quiet enough now. */
  settle(): void {
    if (this.waitingForPause !== null && this.isBetweenCommits()) {
      const paused = this.waitingForPause;
      this.waitingForPause = null;
      paused();
    }
    while (this.waitingForIdle.length > 0 && this.isIdle()) this.waitingForIdle.shift()!();
  }
}
