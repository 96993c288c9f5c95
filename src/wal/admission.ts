import { Queue } from './queue.js';

/** Those who wait until the filling commit has room, first come first served. Who comes while others wait, waits behind them. */
export class Admission {
  private readonly waiting = new Queue<() => void>();
  private isAdmitting = false;
  /** Bytes of values that they hold, as far as they say so. */
  waitingBytes = 0;

  constructor(private readonly hasRoom: () => boolean) {}

  get waitingCount(): number {
    return this.waiting.size;
  }

  /** Whether someone may enter now without overtaking anyone. */
  get isOpen(): boolean {
    return this.isAdmitting || this.waiting.size === 0;
  }

  /** Calls back once, when there is room and it is this one's turn. */
  wait(callback: () => void): void {
    this.waiting.push(callback);
  }

  /** Lets in as many as there is room for. */
  admit(): void {
    if (this.isAdmitting) return;
    this.isAdmitting = true;
    try {
      while (this.waiting.size > 0 && this.hasRoom()) this.waiting.shift()();
    } finally {
      this.isAdmitting = false;
    }
  }
}
