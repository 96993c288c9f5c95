import type { Entries, Values } from './state-codec.js';
import type { Identity } from './state-key.js';
import { PAGE_SLOTS, type StatePages } from './state-pages.js';

/** What was in a slot before it changed. */
interface SlotBefore<A extends Values> {
  readonly key: Identity | undefined;
  readonly stamp: number;
  /** Its values begin at `offset`. */
  readonly values: A;
  readonly offset: number;
}

/** Room for the values of so many slots is made at a time. */
const ROOM_SLOTS = 256;

/**
 * A state as it was when the view was opened, read page by page while the state goes on changing: before a slot of a page that was not
 * read yet changes for the first time, what is in it is copied. So a change costs the same whether a checkpoint is being written or not,
 * but for that copy.
 */
export class StateView<V, A extends Values> {
  /** By page, then by place in the page. */
  readonly #kept = new Map<number, SlotBefore<A>[]>();
  #room: A;
  #roomUsed = 0;
  readonly #pageCount: number;
  #next = 0;

  /**
   * @param since only slots that changed after this epoch, also those that are empty now; `null`: every key
   * @param epoch the first one whose changes it does not see
   */
  constructor(
    private readonly state: StatePages<V, A>,
    private readonly since: number | null,
    readonly epoch: number,
    private readonly onClose: () => void,
  ) {
    this.#pageCount = state.pages.length;
    this.#room = state.codec.allocate(0);
    this.#roomUsed = ROOM_SLOTS;
  }

  /** The slot is about to change, for the first time since the view was opened. */
  keep(number: number, at: number): void {
    if (number < this.#next || number >= this.#pageCount) return;
    const { codec, pages } = this.state;
    if (this.#roomUsed === ROOM_SLOTS) {
      this.#room = codec.allocate(ROOM_SLOTS);
      this.#roomUsed = 0;
    }
    const { keys, stamps, values } = pages[number]!;
    const offset = this.#roomUsed++ * codec.stride;
    codec.copy(values, at * codec.stride, this.#room, offset);
    let kept = this.#kept.get(number);
    if (kept === undefined) this.#kept.set(number, (kept = []));
    kept[at] = { key: keys[at], stamp: stamps[at]!, values: this.#room, offset };
  }

  /** Whether `take` has given every page. */
  get isDone(): boolean {
    return this.#next >= this.#pageCount;
  }

  /** What the next page held. */
  take(): Entries<A> {
    const number = this.#next++;
    const kept = this.#kept.get(number) ?? [];
    this.#kept.delete(number);
    const { codec, pages } = this.state;
    const page = pages[number]!;
    const wanted = this.#wantedOf(number, kept);
    const keys: (Identity | undefined)[] = [];
    const values = codec.allocate(wanted.length);
    for (const at of wanted) {
      const before = kept[at];
      const to = keys.length * codec.stride;
      if (before === undefined) codec.copy(page.values, at * codec.stride, values, to);
      else codec.copy(before.values, before.offset, values, to);
      keys.push(before === undefined ? page.keys[at] : before.key);
    }
    return { slots: wanted.map((at) => number * PAGE_SLOTS + at), keys, values };
  }

  /** Nothing is kept for it any more. */
  close(): void {
    this.#next = this.#pageCount;
    this.#kept.clear();
    this.onClose();
  }

  #wantedOf(number: number, kept: readonly SlotBefore<A>[]): number[] {
    const { keys, stamps, changedIn } = this.state.pages[number]!;
    const { since } = this;
    const wanted: number[] = [];
    if (since !== null && changedIn <= since) return wanted;
    for (let at = 0; at < PAGE_SLOTS; at++) {
      const before = kept[at];
      const isWanted =
        since === null
          ? (before === undefined ? keys[at] : before.key) !== undefined
          : (before === undefined ? stamps[at]! : before.stamp) > since;
      if (isWanted) wanted.push(at);
    }
    return wanted;
  }
}
