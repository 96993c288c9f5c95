import type { Entries, Values } from './state-codec.js';
import type { Identity } from './state-key.js';
import { PAGE_SLOTS, type StatePages } from './state-pages.js';

/**
 * A state as it was when the view was opened, read page by page while the state goes on changing: before a page that was not read
 * yet changes for the first time, what the view needs of it is copied.
 */
export class StateView<V, A extends Values> {
  readonly #kept = new Map<number, Entries<A>>();
  readonly #pageCount: number;
  #next = 0;

  /** @param since only slots that changed after this epoch, also those that are empty now; `null`: every key */
  constructor(
    private readonly state: StatePages<V, A>,
    private readonly since: number | null,
    private readonly onClose: () => void,
  ) {
    this.#pageCount = state.pages.length;
  }

  /** The page is about to change. */
  keep(page: number): void {
    const isWanted = page >= this.#next && page < this.#pageCount;
    if (isWanted && !this.#kept.has(page)) this.#kept.set(page, this.#read(page));
  }

  /** Whether `take` has given every page. */
  get isDone(): boolean {
    return this.#next >= this.#pageCount;
  }

  /** What the next page held. */
  take(): Entries<A> {
    const page = this.#next++;
    const kept = this.#kept.get(page);
    this.#kept.delete(page);
    return kept ?? this.#read(page);
  }

  /** Nothing is kept for it any more. */
  close(): void {
    this.#next = this.#pageCount;
    this.#kept.clear();
    this.onClose();
  }

  #read(number: number): Entries<A> {
    const { codec, pages } = this.state;
    const page = pages[number]!;
    const wanted = this.#wantedOf(number);
    const keys: (Identity | undefined)[] = [];
    const values = codec.allocate(wanted.length);
    for (const at of wanted) {
      codec.copy(page.values, at * codec.stride, values, keys.length * codec.stride);
      keys.push(page.keys[at]);
    }
    return { slots: wanted.map((at) => number * PAGE_SLOTS + at), keys, values };
  }

  #wantedOf(number: number): number[] {
    const { keys, stamps, changedIn } = this.state.pages[number]!;
    const { since } = this;
    const wanted: number[] = [];
    if (since !== null && changedIn <= since) return wanted;
    for (let at = 0; at < PAGE_SLOTS; at++) {
      if (since === null ? keys[at] !== undefined : stamps[at]! > since) wanted.push(at);
    }
    return wanted;
  }
}
