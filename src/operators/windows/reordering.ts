import { TimeHeap } from './time-heap.js';
import type { Watermark } from './watermark.js';

/**
 * Puts events that come out of order by no more than the lateness into the order of their times, equal ones in order of arrival: each
 * waits until the watermark has reached it.
 */
export class Reordering<T> {
  private readonly waiting = new TimeHeap<T>();
  private arrived = 0;

  constructor(
    private readonly watermark: Watermark,
    private readonly next: (event: T, time: number) => void,
  ) {}

  /** Whether the event came too late: others that follow it have gone on. */
  isLate(time: number): boolean {
    return time < this.watermark.time;
  }

  /** Takes an event that moved the watermark already. */
  take(event: T, time: number): void {
    if (this.waiting.size === 0 && time <= this.watermark.time) this.next(event, time);
    else {
      this.waiting.push(time, this.arrived++, event);
      this.release(this.watermark.time);
    }
  }

  /** Lets everything go on: there will be no more. */
  complete(): void {
    this.release(Infinity);
  }

  private release(until: number): void {
    while (this.waiting.time <= until && this.waiting.size > 0) {
      const { item, time } = this.waiting.pop();
      this.next(item, time);
    }
  }
}
