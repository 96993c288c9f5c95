import type { Key } from './key.js';

/** The numbers that every window has, before those of its aggregates. */
export const START = 0;
export const END = 1;
export const FIRST_TIME = 2;
export const LAST_TIME = 3;
export const COUNT = 4;
/** How often its row has been final, less one: -1 while it never was. */
export const REVISION = 5;
/** Rises with each window that is opened. */
export const SEQUENCE = 6;
export const HEADER = 7;

export const HEADER_AT_FIRST: readonly number[] = [0, 0, Infinity, -Infinity, 0, -1, 0];

/** What a window keeps: numbers at first, the header's among them, and places for objects. */
export interface StateShape {
  readonly numbers: readonly number[];
  readonly objects: number;
}

const PAGE_SHIFT = 8;
const PAGE_SLOTS = 1 << PAGE_SHIFT;
const PAGE_MASK = PAGE_SLOTS - 1;

interface Page {
  readonly numbers: Float64Array;
  readonly keys: Key[];
  /** Made for the first object. */
  objects: unknown[] | null;
}

/** Where the state of one window is. One place is moved from window to window: it is not kept. */
export class Place {
  /** The numbers of the window begin at `at`. */
  numbers: Float64Array = new Float64Array(0);
  at = 0;
  private page!: Page;
  private objectsAt = 0;

  constructor(private readonly objectsEach: number) {}

  move(page: Page, offset: number, stride: number): void {
    this.page = page;
    this.numbers = page.numbers;
    this.at = offset * stride;
    this.objectsAt = offset * this.objectsEach;
  }

  object(index: number): unknown {
    return this.page.objects?.[this.objectsAt + index];
  }

  setObject(index: number, value: unknown): void {
    this.page.objects ??= Array.from<unknown>({ length: PAGE_SLOTS * this.objectsEach });
    this.page.objects[this.objectsAt + index] = value;
  }
}

/**
 * The windows of one operator that are open or may still be corrected, each in a slot. Everything else that the operator knows, except
 * its time and what waits for its turn, follows from them: the indexes of the kinds of windows can be built again from keys and headers.
 */
export class WindowStates {
  private readonly pages: Page[] = [];
  private readonly free: number[] = [];
  private readonly stride: number;
  private used = 0;
  private opened = 0;

  constructor(private readonly shape: StateShape) {
    this.stride = shape.numbers.length;
  }

  /** How many windows there are. */
  get size(): number {
    return this.used - this.free.length;
  }

  place(): Place {
    return new Place(this.shape.objects);
  }

  /** A slot for a new window. */
  open(key: Key, start: number, end: number): number {
    const slot = this.free.length > 0 ? this.free.pop()! : this.used++;
    const { numbers: template } = this.shape;
    const page = slot >>> PAGE_SHIFT < this.pages.length ? this.pages[slot >>> PAGE_SHIFT]! : this.newPage();
    const at = (slot & PAGE_MASK) * this.stride;
    const { numbers } = page;
    for (let field = HEADER; field < template.length; field++) numbers[at + field] = template[field]!;
    numbers[at + START] = start;
    numbers[at + END] = end;
    numbers[at + FIRST_TIME] = Infinity;
    numbers[at + LAST_TIME] = -Infinity;
    numbers[at + COUNT] = 0;
    numbers[at + REVISION] = -1;
    numbers[at + SEQUENCE] = this.opened++;
    page.keys[slot & PAGE_MASK] = key;
    return slot;
  }

  /** Moves a place to a window, to change it. */
  seek(slot: number, place: Place): void {
    place.move(this.pages[slot >>> PAGE_SHIFT]!, slot & PAGE_MASK, this.stride);
  }

  key(slot: number): Key {
    return this.pages[slot >>> PAGE_SHIFT]!.keys[slot & PAGE_MASK]!;
  }

  number(slot: number, field: number): number {
    return this.pages[slot >>> PAGE_SHIFT]!.numbers[(slot & PAGE_MASK) * this.stride + field]!;
  }

  setNumber(slot: number, field: number, value: number): void {
    this.pages[slot >>> PAGE_SHIFT]!.numbers[(slot & PAGE_MASK) * this.stride + field] = value;
  }

  close(slot: number): void {
    const { keys, objects } = this.pages[slot >>> PAGE_SHIFT]!;
    const offset = slot & PAGE_MASK;
    keys[offset] = '';
    if (objects !== null) {
      const { objects: each } = this.shape;
      objects.fill(undefined, offset * each, (offset + 1) * each);
    }
    this.free.push(slot);
  }

  private newPage(): Page {
    const page: Page = { numbers: new Float64Array(PAGE_SLOTS * this.stride), keys: [], objects: null };
    this.pages.push(page);
    return page;
  }
}

/**
 * Opens the state of an operator: the one place where it comes from. Here it is in memory and goes with the subscription.
 *
 * What the mill plugs in: two `KeyedState`s of this name whose keys are `[...key columns, sequence at opening]`; one with
 * `columnarCodec(shape.numbers.length)`, and, where `shape.objects` is not 0, one with a codec that copies objects (they are changed
 * in place: arrays of numbers, Sets of primitives, `{ bins, counts }`, states of state windows, and the plain data of reducers).
 * `open` is `claim`, `close` is `remove`, `seek` and `setNumber` are `change` and `offset`: what is sought is what a checkpoint writes.
 * Loaded windows go back into the indexes of `AlignedWindows`, `SessionWindows` and `RunWindows` in the order of their sequence: whether
 * one has ended follows from its end and the watermark. A third state, with `jsonCodec`, has what belongs to no window: the time of the
 * `Watermark` and its count of late events, how many windows were opened, the events that wait in the `Reordering`.
 */
export function openState(_name: string, shape: StateShape): WindowStates {
  return new WindowStates(shape);
}
