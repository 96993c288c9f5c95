import type { StateCodec, Values } from './state-codec.js';
import type { Identity } from './state-key.js';
import { StateView } from './state-view.js';

/** Slots of a page: what is copied at a time when a checkpoint still needs it. */
export const PAGE_SLOTS = 256;
const PAGE_SHIFT = 8;
const PAGE_MASK = PAGE_SLOTS - 1;

/** Slots that follow each other, with what stands in them. */
export interface Page<A extends Values> {
  readonly keys: (Identity | undefined)[];
  readonly values: A;
  /** The epoch in which each slot was last changed; 0 for never. */
  readonly stamps: Uint32Array;
  /** The last of them. */
  changedIn: number;
  /** How many slots are in use; below `firstFree` there is no free one. */
  used: number;
  firstFree: number;
  /** Until the views of a later version were told of its next change. */
  version: number;
}

/** Keys and values by slot. Time passes in epochs: a capture ends one. */
export class StatePages<V, A extends Values> {
  readonly pages: Page<A>[] = [];
  epoch = 1;
  /** Slots that were changed in this epoch. */
  changes = 0;
  /** Slots in use. */
  size = 0;
  readonly #views = new Set<StateView<V, A>>();
  /** Rises with each view: what a page was told before does not hold any more. */
  #version = 0;
  /** No page below it has a free slot. */
  #firstOpen = 0;

  constructor(readonly codec: StateCodec<V, A>) {}

  page(slot: number): Page<A> {
    return this.pages[slot >>> PAGE_SHIFT]!;
  }

  /** Where a slot's values are in its page. */
  offset(slot: number): number {
    return (slot & PAGE_MASK) * this.codec.stride;
  }

  keyAt(slot: number): Identity | undefined {
    return this.page(slot).keys[slot & PAGE_MASK];
  }

  /** To be called before a slot changes: views keep what they still need, and the next capture will take it. */
  change(slot: number): Page<A> {
    const number = slot >>> PAGE_SHIFT;
    const page = this.pages[number]!;
    if (page.version !== this.#version) {
      for (const view of this.#views) view.keep(number);
      page.version = this.#version;
    }
    if (page.stamps[slot & PAGE_MASK] !== this.epoch) {
      page.stamps[slot & PAGE_MASK] = this.epoch;
      page.changedIn = this.epoch;
      this.changes++;
    }
    return page;
  }

  /**
   * Puts a key into the lowest free slot. So slots follow from the keys that are there and not from how they came to be
   * there: a state that was loaded goes on exactly like one that was never away.
   */
  add(identity: Identity): number {
    const slot = this.#lowestFree();
    const page = this.change(slot);
    page.keys[slot & PAGE_MASK] = identity;
    page.used++;
    this.size++;
    page.firstFree = (slot & PAGE_MASK) + 1;
    return slot;
  }

  remove(slot: number): void {
    const page = this.change(slot);
    page.keys[slot & PAGE_MASK] = undefined;
    this.codec.clear(page.values, this.offset(slot));
    page.used--;
    this.size--;
    page.firstFree = Math.min(page.firstFree, slot & PAGE_MASK);
    this.#firstOpen = Math.min(this.#firstOpen, slot >>> PAGE_SHIFT);
  }

  /** Gives all slots in use, in order. */
  visit(take: (identity: Identity, slot: number) => void): void {
    for (let number = 0; number < this.pages.length; number++) {
      const { keys } = this.pages[number]!;
      for (let at = 0; at < PAGE_SLOTS; at++) {
        const identity = keys[at];
        if (identity !== undefined) take(identity, number * PAGE_SLOTS + at);
      }
    }
  }

  /** Puts what was read from a file into a slot. Not a change. */
  restore(slot: number, identity: Identity, values: A, at: number): void {
    const page = this.#restored(slot, identity);
    this.codec.copy(values, at, page.values, this.offset(slot));
  }

  restoreEmptied(slot: number): void {
    const page = this.#restored(slot, undefined);
    this.codec.clear(page.values, this.offset(slot));
  }

  #restored(slot: number, identity: Identity | undefined): Page<A> {
    while (this.pages.length <= slot >>> PAGE_SHIFT) this.pages.push(this.#newPage());
    const page = this.page(slot);
    const before = page.keys[slot & PAGE_MASK];
    const more = Number(identity !== undefined) - Number(before !== undefined);
    page.used += more;
    this.size += more;
    page.keys[slot & PAGE_MASK] = identity;
    return page;
  }

  /** Sees what changed after epoch `since`, or everything, as it is now. */
  view(since: number | null): StateView<V, A> {
    const view = new StateView<V, A>(this, since, () => this.#views.delete(view));
    this.#views.add(view);
    this.#version++;
    return view;
  }

  #lowestFree(): number {
    const { pages } = this;
    let number = this.#firstOpen;
    while (number < pages.length && pages[number]!.used === PAGE_SLOTS) number++;
    if (number === pages.length) pages.push(this.#newPage());
    this.#firstOpen = number;
    const page = pages[number]!;
    let at = page.firstFree;
    while (page.keys[at] !== undefined) at++;
    return number * PAGE_SLOTS + at;
  }

  #newPage(): Page<A> {
    return {
      keys: Array.from<Identity | undefined>({ length: PAGE_SLOTS }),
      values: this.codec.allocate(PAGE_SLOTS),
      stamps: new Uint32Array(PAGE_SLOTS),
      changedIn: 0,
      used: 0,
      firstFree: 0,
      version: this.#version,
    };
  }
}
