import type { Identity } from '../../snapshots/state-key.js';

/** An event that a join keeps. */
export interface KeptEvent {
  readonly event: unknown;
  readonly key: Identity;
  readonly time: number;
  /** Rises in the order of arrival. */
  readonly number: number;
  isGone: boolean;
}

const UNUSED_MAX = 32;

/** The events of one key of a side, by time; those of one time in the order of arrival. Old ones go first. */
export class Timeline {
  private events: KeptEvent[] = [];
  /** Where the earliest one is: what is before it has gone. */
  private first = 0;

  get size(): number {
    return this.events.length - this.first;
  }

  /** The event with so many before it. */
  at(place: number): KeptEvent {
    return this.events[this.first + place]!;
  }

  /** How many have this time or an earlier one. */
  upTo(time: number): number {
    return this.search((event) => event.time <= time);
  }

  /** How many have an earlier time. */
  before(time: number): number {
    return this.search((event) => event.time < time);
  }

  insert(event: KeptEvent): void {
    const place = this.upTo(event.time);
    if (place === this.size) this.events.push(event);
    else this.events.splice(this.first + place, 0, event);
  }

  remove(event: KeptEvent): void {
    let place = this.before(event.time);
    while (this.at(place) !== event) place++;
    if (place > 0) {
      this.events.splice(this.first + place, 1);
      return;
    }
    this.first++;
    if (this.first < UNUSED_MAX || this.first * 2 < this.events.length) return;
    this.events = this.events.slice(this.first);
    this.first = 0;
  }

  /** How many are on the near side of a bound. New events mostly come last, and so the last one is looked at first. */
  private search(isBefore: (event: KeptEvent) => boolean): number {
    let low = 0;
    let high = this.size;
    if (high > 0 && isBefore(this.at(high - 1))) return high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isBefore(this.at(middle))) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
