import type { KeyedState } from '../../snapshots/keyed-state.js';
import { TimeHeap } from './time-heap.js';
import type { Watermark } from './watermark.js';

/** Where events that wait are kept, each in a list of its own, by the numbers that they have in order of arrival. */
export type WaitingEvents = KeyedState<number, unknown[], unknown[]>;

/**
 * Puts events that come out of order by no more than the lateness into the order of their times, equal ones in order of arrival: each
 * waits until the watermark has reached it.
 */
export class Reordering<T> {
  private readonly waiting = new TimeHeap<T>();
  constructor(
    private readonly watermark: Watermark,
    private readonly next: (event: T, time: number) => void,
    /** Null: nowhere but in memory. */
    private readonly kept: WaitingEvents | null,
  ) {}

  /** Begins with the events that were kept. */
  load(timeOf: (event: unknown) => number): void {
    for (const [number, [event]] of this.kept ?? []) this.waiting.push(timeOf(event), number, event as T);
  }

  /** Whether the event came too late: others that follow it have gone on. */
  isLate(time: number): boolean {
    return time < this.watermark.time;
  }

  /** Takes an event that moved the watermark already. */
  take(event: T, time: number): void {
    if (this.waiting.size === 0 && time <= this.watermark.time) this.next(event, time);
    else {
      const number = this.watermark.waited++;
      this.waiting.push(time, number, event);
      this.kept?.set(number, [event]);
      this.release(this.watermark.time);
    }
  }

  /** The watermark rose without an event. */
  passed(): void {
    this.release(this.watermark.time);
  }

  /** The time of the first that waits; `Infinity` where none does. */
  get nextTime(): number {
    return this.waiting.time;
  }

  /** Lets everything go on: there will be no more. */
  complete(): void {
    this.release(Infinity);
  }

  private release(until: number): void {
    while (this.waiting.time <= until && this.waiting.size > 0) {
      const { item, time, order } = this.waiting.pop();
      this.kept?.delete(order);
      this.next(item, time);
    }
  }
}
