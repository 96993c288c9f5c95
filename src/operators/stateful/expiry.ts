import type { OperatorHome } from '../pipeline-scope.js';
import { type Cell, Cells } from './cells.js';

/**
 * Forgets what was not seen for a while of event time: what stands in a slot goes once the largest time seen is `ttl` after what that
 * was when the slot was last seen. As that only rises, slots are in the order in which they go when they are in the order in which they
 * were seen: a list, in which each step costs the same however long it is. The list is built again from the state at each start.
 */
export class Expiry {
  private readonly latestTime: Cell<number>;
  private latest = -Infinity;
  private readonly seen: number[] = [];
  private readonly before: number[] = [];
  private readonly after: number[] = [];
  private first = -1;
  private last = -1;

  /**
   * @param ttl milliseconds
   * @param forget removes what is in a slot
   */
  constructor(
    home: OperatorHome,
    private readonly ttl: number,
    private readonly forget: (slot: number) => void,
  ) {
    this.latestTime = new Cells(home).cell('latestTime');
  }

  /** Begins with what was loaded: slots, and what `touch` gave for them last. */
  load(slots: Iterable<readonly [slot: number, seen: number]>): void {
    this.latest = this.latestTime.get() ?? -Infinity;
    for (const [slot, seen] of [...slots].toSorted((a, b) => a[1] - b[1])) this.append(slot, seen);
  }

  /** An event has this time: forgets what is due. */
  advance(time: number): void {
    if (time <= this.latest) return;
    this.latest = time;
    this.latestTime.set(time);
    while (this.first >= 0 && this.seen[this.first]! + this.ttl <= time) {
      const slot = this.first;
      this.remove(slot);
      this.forget(slot);
    }
  }

  /** What is in a slot is new. Gives the time from which on it counts, which belongs into its state. */
  add(slot: number): number {
    this.append(slot, this.latest);
    return this.latest;
  }

  /** What is in a slot is seen again. */
  touch(slot: number): number {
    this.remove(slot);
    return this.add(slot);
  }

  /** A slot is free. */
  remove(slot: number): void {
    const before = this.before[slot]!;
    const after = this.after[slot]!;
    if (before < 0) this.first = after;
    else this.after[before] = after;
    if (after < 0) this.last = before;
    else this.before[after] = before;
  }

  private append(slot: number, seen: number): void {
    this.seen[slot] = seen;
    this.before[slot] = this.last;
    this.after[slot] = -1;
    if (this.last < 0) this.first = slot;
    else this.after[this.last] = slot;
    this.last = slot;
  }
}
