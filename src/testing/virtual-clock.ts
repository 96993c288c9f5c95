import { type SchedulerAction, type SchedulerLike, Subscription } from 'rxjs';

type Work<T> = (this: SchedulerAction<T>, state?: T) => void;

/**
 * A clock that stands still until it is told to go on: the `scheduler` of a simulated mill and of any RxJS operator that
 * takes one. Times are milliseconds since the epoch. What is due at the same time runs in the order in which it was scheduled.
 *
 * @example
 * const clock = new VirtualClock(Date.UTC(2024, 0, 1));
 * interval(1000, clock).subscribe(() => console.log(clock.now()));
 * clock.advanceBy(3000); // logs three times
 */
export class VirtualClock implements SchedulerLike {
  readonly #queue = new ActionQueue();
  #now: number;

  constructor(start = 0) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  /** How many actions wait to run. */
  get pending(): number {
    return this.#queue.length;
  }

  /** When the next action is due; undefined where none waits. */
  get next(): number | undefined {
    return this.#queue.first?.due;
  }

  /** A negative delay counts as 0; an infinite one never runs. */
  schedule<T>(work: Work<T>, delay = 0, state?: T): Subscription {
    return new VirtualAction(this, this.#queue, work).schedule(state, delay);
  }

  /** Runs the next action, moving the time to when it is due; false where there is none. Throws what the action throws. */
  step(): boolean {
    const action = this.#queue.first;
    if (!action) return false;
    // Never backwards: an action may itself have moved the clock on.
    this.#now = Math.max(this.#now, action.due);
    action.execute();
    return true;
  }

  /** Runs everything that is due up to `time`, then stands at `time`. A time that is past changes nothing. */
  advanceTo(time: number): void {
    while (this.next !== undefined && this.next <= time) this.step();
    this.#now = Math.max(this.#now, time);
  }

  advanceBy(milliseconds: number): void {
    this.advanceTo(this.#now + milliseconds);
  }
}

/** What is ordered: `slot` is the place in the queue, -1 outside. */
interface Queued {
  due: number;
  order: number;
  slot: number;
  execute(): void;
}

class VirtualAction<T> extends Subscription implements SchedulerAction<T>, Queued {
  due = 0;
  order = 0;
  slot = -1;
  #state: T | undefined;

  constructor(
    private readonly clock: VirtualClock,
    private readonly queue: ActionQueue,
    private readonly work: Work<T>,
  ) {
    super();
  }

  /** As with RxJS's own actions, one that is scheduled again before it ran is moved, not doubled. */
  schedule(state?: T, delay = 0): Subscription {
    if (this.closed) return this;
    this.queue.remove(this);
    this.#state = state;
    this.due = this.clock.now() + Math.max(0, delay);
    if (Number.isFinite(this.due)) this.queue.add(this);
    return this;
  }

  execute(): void {
    this.queue.remove(this);
    try {
      this.work(this.#state);
    } catch (error) {
      this.unsubscribe();
      throw error;
    }
  }

  override unsubscribe(): void {
    this.queue.remove(this);
    super.unsubscribe();
  }
}

/** A binary heap whose members know their slot, so that a cancelled timer leaves at once. */
class ActionQueue {
  readonly #heap: Queued[] = [];
  #order = 0;

  get length(): number {
    return this.#heap.length;
  }

  get first(): Queued | undefined {
    return this.#heap[0];
  }

  add(action: Queued): void {
    action.order = this.#order++;
    this.#settle(action, this.#heap.length);
  }

  remove(action: Queued): void {
    const slot = action.slot;
    if (slot < 0) return;
    action.slot = -1;
    const last = this.#heap.pop()!;
    if (last !== action) this.#settle(last, slot);
  }

  /** Puts an action where it belongs, from a free slot upwards or downwards. */
  #settle(action: Queued, from: number): void {
    const heap = this.#heap;
    let slot = from;
    for (let parent = (slot - 1) >> 1; slot > 0 && before(action, heap[parent]!); parent = (slot - 1) >> 1) {
      this.#put(heap[parent]!, slot);
      slot = parent;
    }
    for (let child = this.#firstChild(slot); child && before(child, action); child = this.#firstChild(slot)) {
      const below = child.slot;
      this.#put(child, slot);
      slot = below;
    }
    this.#put(action, slot);
  }

  #firstChild(slot: number): Queued | undefined {
    const left = this.#heap[2 * slot + 1];
    const right = this.#heap[2 * slot + 2];
    return left && right && before(right, left) ? right : left;
  }

  #put(action: Queued, slot: number): void {
    this.#heap[slot] = action;
    action.slot = slot;
  }
}

function before(left: Queued, right: Queued): boolean {
  return left.due < right.due || (left.due === right.due && left.order < right.order);
}
