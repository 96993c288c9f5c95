import type { SealedCommit } from './commit.js';
import { Queue } from './queue.js';

/** Durable commits on their way into memory, in order. What comes while one is applied is taken by the loop that runs already. */
export class ApplyQueue {
  private readonly waiting = new Queue<SealedCommit>();
  private isRunning = false;

  constructor(private readonly apply: (sealed: SealedCommit) => void) {}

  get isBusy(): boolean {
    return this.isRunning || this.waiting.size > 0;
  }

  push(sealed: SealedCommit): void {
    this.waiting.push(sealed);
  }

  /** Gives whether everything was applied; not where that goes on further up the stack. */
  run(): boolean {
    if (this.isRunning) return false;
    this.isRunning = true;
    try {
      while (this.waiting.size > 0) this.apply(this.waiting.shift());
    } finally {
      this.isRunning = false;
    }
    return true;
  }
}
