import type { StateCodec, Values } from './state-codec.js';
import type { Identity } from './state-key.js';
import type { Page } from './state-pages.js';

const ROOM_SHIFT = 8;
const ROOM_SLOTS = 1 << ROOM_SHIFT;
const ROOM_MASK = ROOM_SLOTS - 1;

/** Places for what was in so many slots. */
interface Room<A extends Values> {
  readonly keys: (Identity | undefined)[];
  readonly stamps: Uint32Array;
  readonly values: A;
}

/** Where the slots of a page are kept, by their places in the page; nothing where a slot is not. */
export type KeptPlaces = readonly (number | undefined)[];

/** What was in slots before they changed. Flat, with no object for each: there may be a million for as long as a checkpoint is written. */
export class KeptSlots<V, A extends Values> {
  readonly #rooms: Room<A>[] = [];
  readonly #pages = new Map<number, (number | undefined)[]>();
  /** Places that can be used again. */
  readonly #free: number[] = [];
  #used = 0;

  constructor(private readonly codec: StateCodec<V, A>) {}

  keep(page: Page<A>, number: number, at: number): void {
    const { codec } = this;
    const place = this.#free.pop() ?? this.#newPlace();
    const { keys, stamps, values } = this.#rooms[place >>> ROOM_SHIFT]!;
    const key = page.keys[at];
    keys[place & ROOM_MASK] = key;
    stamps[place & ROOM_MASK] = page.stamps[at]!;
    // An empty slot has no value that a codec could copy.
    if (key !== undefined) codec.copy(page.values, at * codec.stride, values, (place & ROOM_MASK) * codec.stride);
    let places = this.#pages.get(number);
    if (places === undefined) this.#pages.set(number, (places = []));
    places[at] = place;
  }

  placesOf(number: number): KeptPlaces {
    return this.#pages.get(number) ?? [];
  }

  key(place: number): Identity | undefined {
    return this.#rooms[place >>> ROOM_SHIFT]!.keys[place & ROOM_MASK];
  }

  stamp(place: number): number {
    return this.#rooms[place >>> ROOM_SHIFT]!.stamps[place & ROOM_MASK]!;
  }

  copyValues(place: number, to: A, toAt: number): void {
    const { codec } = this;
    codec.copy(this.#rooms[place >>> ROOM_SHIFT]!.values, (place & ROOM_MASK) * codec.stride, to, toAt);
  }

  /** What is kept of a page is not needed any more. */
  release(number: number): void {
    for (const place of this.#pages.get(number) ?? []) if (place !== undefined) this.#free.push(place);
    this.#pages.delete(number);
  }

  clear(): void {
    this.#rooms.length = 0;
    this.#free.length = 0;
    this.#used = 0;
    this.#pages.clear();
  }

  #newPlace(): number {
    const place = this.#used++;
    if ((place & ROOM_MASK) === 0)
      this.#rooms.push({
        keys: Array.from<Identity | undefined>({ length: ROOM_SLOTS }),
        stamps: new Uint32Array(ROOM_SLOTS),
        values: this.codec.allocate(ROOM_SLOTS),
      });
    return place;
  }
}
