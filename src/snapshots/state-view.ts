import { type KeptPlaces, KeptSlots } from './kept-slots.js';
import type { Entries, Values } from './state-codec.js';
import type { Identity } from './state-key.js';
import { PAGE_SLOTS, type StatePages } from './state-pages.js';

/**
 * A state as it was when the view was opened, read page by page while the state goes on changing: before a slot of a page that was not
 * read yet changes for the first time, what is in it is copied. So nothing waits for a checkpoint, however many keys there are.
 */
export class StateView<V, A extends Values> {
  readonly #kept: KeptSlots<V, A>;
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
    this.#kept = new KeptSlots(state.codec);
  }

  /** The slot is about to change, for the first time since the view was opened. */
  keep(page: number, at: number): void {
    if (page >= this.#next && page < this.#pageCount) this.#kept.keep(this.state.pages[page]!, page, at);
  }

  /** Whether `take` has given every page. */
  get isDone(): boolean {
    return this.#next >= this.#pageCount;
  }

  /** What the next page held. */
  take(): Entries<A> {
    const number = this.#next++;
    const kept = this.#kept;
    const { codec, pages } = this.state;
    const page = pages[number]!;
    const places = kept.placesOf(number);
    const wanted = this.#wantedOf(number, places);
    const keys: (Identity | undefined)[] = [];
    const values = codec.allocate(wanted.length);
    for (const at of wanted) {
      const place = places[at];
      const key = place === undefined ? page.keys[at] : kept.key(place);
      const to = keys.push(key) * codec.stride - codec.stride;
      if (key === undefined) continue;
      if (place === undefined) codec.copy(page.values, at * codec.stride, values, to);
      else kept.copyValues(place, values, to);
    }
    kept.release(number);
    return { slots: wanted.map((at) => number * PAGE_SLOTS + at), keys, values };
  }

  /** Nothing is kept for it any more. */
  close(): void {
    this.#next = this.#pageCount;
    this.#kept.clear();
    this.onClose();
  }

  #wantedOf(number: number, places: KeptPlaces): number[] {
    const { keys, stamps, changedIn } = this.state.pages[number]!;
    const { since } = this;
    const kept = this.#kept;
    const wanted: number[] = [];
    if (since !== null && changedIn <= since) return wanted;
    for (let at = 0; at < PAGE_SLOTS; at++) {
      const place = places[at];
      const isWanted =
        since === null
          ? (place === undefined ? keys[at] : kept.key(place)) !== undefined
          : (place === undefined ? stamps[at]! : kept.stamp(place)) > since;
      if (isWanted) wanted.push(at);
    }
    return wanted;
  }
}
