import type { StateCodec, Values } from './state-codec.js';
import type { Identity } from './state-key.js';
import { StateView } from './state-view.js';

/** Slots of a page: what a checkpoint looks at in one go. */
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
}

/** Keys and values by slot. Time passes in epochs: a view begins one. */
export class StatePages<V, A extends Values> {
  readonly pages: Page<A>[] = [];
  epoch = 1;
  /** Slots that were changed since the last capture, or some more: each once in each epoch. */
  changes = 0;
  /** Slots in use. */
  size = 0;
  readonly #views = new Set<StateView<V, A>>();
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
    const page = this.pages[slot >>> PAGE_SHIFT]!;
    if (page.stamps[slot & PAGE_MASK] !== this.epoch) this.#firstChange(page, slot);
    return page;
  }

  /** Of a slot in this epoch. Views of an earlier epoch than its last change have what they need. */
  #firstChange(page: Page<A>, slot: number): void {
    const at = slot & PAGE_MASK;
    for (const view of this.#views) if (view.epoch > page.stamps[at]!) view.keep(slot >>> PAGE_SHIFT, at);
    page.stamps[at] = this.epoch;
    page.changedIn = this.epoch;
    this.changes++;
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
    const view = new StateView<V, A>(this, since, ++this.epoch, () => this.#views.delete(view));
    this.#views.add(view);
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
    };
  }
}
