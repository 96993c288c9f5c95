import { MillraceError } from '../errors.js';
import type { Hash } from '../wal/hash.js';
import { CapturedState } from './captured-state.js';
import { wantsBase } from './compaction.js';
import { KeyIndex } from './key-index.js';
import type { StateCodec, Values } from './state-codec.js';
import type { StateFile } from './state-file.js';
import { identityOf, keyOf, type StateKey } from './state-key.js';
import { PAGE_SLOTS, StatePages } from './state-pages.js';

/**
 * The state of an operator: values by key, as in a `Map`, whose changes a checkpoint writes. Keys are strings, numbers, bigints,
 * booleans, or tuples of these (compared by content). The order of iteration is the same in every run that made the same changes,
 * also where the state was written and loaded in between; it is not the order of insertion. The room of keys that went is used again
 * by others, and not given back.
 *
 * A key has a *slot* as long as it is there. Operators that count every nanosecond work by slot, on the array that holds the values
 * of its page: `values[offset]` and, with a columnar codec, the fields after it.
 *
 * @example
 * const counts = new KeyedState<string, number>('counts', jsonCodec());
 * counts.set('a7', (counts.get('a7') ?? 0) + 1);
 */
export class KeyedState<K extends StateKey, V, A extends Values = Values> {
  /** What is in files now, as the manifest names it: a base, then deltas. */
  files: readonly StateFile[] = [];
  #pages: StatePages<V, A>;
  /** `null` where keys are not looked for. */
  readonly #index: KeyIndex | null;
  #captured: CapturedState<V, A> | null = null;
  /** The epoch up to which everything is in `files`. */
  #savedEpoch = 0;
  /** Changes of captures that failed. */
  #changesBefore = 0;
  #lastNumber = 0;

  /**
   * @param name stable from run to run: it finds the state again
   * @param isIndexed whether keys are looked for: else it is used by slot only, keys come by `insert`, and one may be there several times
   */
  constructor(
    readonly name: string,
    readonly codec: StateCodec<V, A>,
    isIndexed = true,
  ) {
    this.#pages = new StatePages(codec);
    this.#index = isIndexed ? new KeyIndex() : null;
  }

  /** Takes what was read for its own: to be called before anything else, once. */
  restore({ pages, files }: { readonly pages: StatePages<V, A>; readonly files: readonly StateFile[] }): void {
    this.#pages = pages;
    this.files = files;
    this.#lastNumber = files.at(-1)?.number ?? 0;
    const index = this.#index;
    if (index !== null) pages.visit((identity, slot) => index.add(identity, slot));
  }

  get size(): number {
    return this.#pages.size;
  }

  get(key: K): V | undefined {
    const slot = this.find(key);
    return slot < 0 ? undefined : this.codec.get(this.values(slot), this.offset(slot));
  }

  has(key: K): boolean {
    return this.find(key) >= 0;
  }

  /** @throws MillraceError `INVALID_ARGUMENT` for what is no key or no value. */
  set(key: K, value: V): this {
    this.codec.check(value);
    const slot = this.claim(key);
    this.codec.set(this.change(slot), this.offset(slot), value);
    return this;
  }

  /** Whether the key was there. */
  delete(key: K): boolean {
    const slot = this.find(key);
    if (slot < 0) return false;
    this.remove(slot);
    return true;
  }

  /** Keys that go meanwhile are left out; those that come may be left out or not. */
  *entries(): Generator<[K, V], void> {
    for (const slot of this.slots()) yield [this.key(slot), this.codec.get(this.values(slot), this.offset(slot))];
  }

  [Symbol.iterator](): Generator<[K, V], void> {
    return this.entries();
  }

  /** The slots in use, in the order of iteration. */
  *slots(): Generator<number, void> {
    const { pages } = this.#pages;
    for (let number = 0; number < pages.length; number++) {
      const { keys } = pages[number]!;
      for (let at = 0; at < PAGE_SLOTS; at++) if (keys[at] !== undefined) yield number * PAGE_SLOTS + at;
    }
  }

  /** The same at once, for many. */
  allSlots(): Uint32Array {
    const slots = new Uint32Array(this.size);
    let at = 0;
    this.#pages.visit((_, slot) => {
      slots[at++] = slot;
    });
    return slots;
  }

  /** The key's slot; -1 where the key is not there. */
  find(key: K): number {
    return this.#index!.find(identityOf(key));
  }

  /** The key's slot. A key that is not there gets one, with an empty value: `undefined`, or zeros. */
  claim(key: K): number {
    const identity = identityOf(key);
    const found = this.#index!.find(identity);
    if (found >= 0) return found;
    const slot = this.#pages.add(identity);
    this.#index!.add(identity, slot);
    return slot;
  }

  /** A slot for a key, with an empty value, in a state that is not indexed: whoever uses it knows its slots. */
  insert(key: K): number {
    return this.#pages.add(identityOf(key));
  }

  /** The array that holds a slot's values, for reading. Not to be kept. */
  values(slot: number): A {
    return this.#pages.page(slot).values;
  }

  /** The same for writing: to be called before each change of a slot, or of several in one go. Not to be kept over a capture. */
  change(slot: number): A {
    return this.#pages.change(slot).values;
  }

  /** Where a slot's values begin in its array. */
  offset(slot: number): number {
    return this.#pages.offset(slot);
  }

  /** The key of a slot in use. */
  key(slot: number): K {
    return keyOf(this.#pages.keyAt(slot)!) as K;
  }

  /** Removes the key of a slot in use. */
  remove(slot: number): void {
    this.#index?.remove(this.#pages.keyAt(slot)!);
    this.#pages.remove(slot);
  }

  /**
   * Takes the state as it is now for a checkpoint: at once, whatever its size. A capture must have succeeded or failed before
   * the next one.
   */
  capture(): CapturedState<V, A> {
    if (this.#captured !== null)
      throw new MillraceError('INVALID_ARGUMENT', `State ${this.name} is being captured already: one at a time.`);
    const changes = this.#changesBefore + this.#pages.changes;
    const kind = this.#kindOfNext(changes);
    const { epoch } = this.#pages;
    this.#pages.changes = 0;
    const captured = new CapturedState<V, A>({
      name: this.name,
      codec: this.codec,
      kind,
      number: ++this.#lastNumber,
      filesBefore: this.files,
      isEmpty: changes === 0,
      view: this.#pages.view(kind === 'base' ? null : this.#savedEpoch),
      succeeded: (files) => {
        this.#captured = null;
        this.#savedEpoch = epoch;
        this.#changesBefore = 0;
        this.files = files;
      },
      failed: () => {
        this.#captured = null;
        this.#changesBefore = changes;
      },
    });
    this.#captured = captured;
    return captured;
  }

  #kindOfNext(changed: number): 'base' | 'delta' {
    const [base, ...deltas] = this.files;
    const deltaBytes = deltas.reduce((sum, file) => sum + file.bytes, 0);
    const baseBytes = base?.bytes ?? null;
    return wantsBase({ baseBytes, deltas: deltas.length, deltaBytes, keys: this.size, changed }) ? 'base' : 'delta';
  }

  /** The sum modulo 2⁶⁴ of xxhash64(canonical key, value): the same in whatever order the keys came. About a second for a million keys. */
  sum(hash: Hash): bigint {
    const slices = this.sumInSlices(hash);
    for (;;) {
      const { done, value } = slices.next();
      if (done) return value;
    }
  }

  /** The same in slices of under a millisecond, of the state as it is at the first one: other work may be done between two. */
  *sumInSlices(hash: Hash): Generator<void, bigint> {
    const { codec } = this;
    const view = this.#pages.view(null);
    let sum = 0n;
    try {
      for (; !view.isDone; yield) {
        const { keys, values } = view.take();
        for (let row = 0; row < keys.length; row++) sum += codec.hashOf(hash, keys[row]!, values, row * codec.stride);
      }
    } finally {
      view.close();
    }
    return BigInt.asUintN(64, sum);
  }
}
