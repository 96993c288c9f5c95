import type { Key } from './key.js';
import { Place, SEQUENCE, type StateShape, type WindowStates, writeNew } from './window-states.js';

const PAGE_SHIFT = 8;
const PAGE_SLOTS = 1 << PAGE_SHIFT;
const PAGE_MASK = PAGE_SLOTS - 1;

interface Page {
  readonly numbers: Float64Array;
  readonly keys: Key[];
  /** Made for the first object. */
  objects: unknown[] | null;
}

class MemoryPlace extends Place {
  private page!: Page;
  private objectsAt = 0;

  constructor(private readonly objectsEach: number) {
    super();
  }

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

/** Windows in memory, which go with the subscription. */
export class MemoryStates implements WindowStates {
  readonly loaded = new Uint32Array(0);
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

  place(): MemoryPlace {
    return new MemoryPlace(this.shape.objects.length);
  }

  open(key: Key, start: number, end: number): number {
    const slot = this.free.length > 0 ? this.free.pop()! : this.used++;
    const { numbers: template } = this.shape;
    const page = slot >>> PAGE_SHIFT < this.pages.length ? this.pages[slot >>> PAGE_SHIFT]! : this.newPage();
    const at = (slot & PAGE_MASK) * this.stride;
    writeNew(page.numbers, at, template, start, end, ++this.opened);
    page.keys[slot & PAGE_MASK] = key;
    return slot;
  }

  seek(slot: number, place: MemoryPlace): void {
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
    const { numbers, keys, objects } = this.pages[slot >>> PAGE_SHIFT]!;
    const offset = slot & PAGE_MASK;
    numbers[offset * this.stride + SEQUENCE] = 0;
    keys[offset] = '';
    if (objects !== null) {
      const { length: each } = this.shape.objects;
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
