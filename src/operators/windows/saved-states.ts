import { columnarCodec, type Numbers } from '../../snapshots/columnar-codec.js';
import type { KeyedState } from '../../snapshots/keyed-state.js';
import { integerOrder } from '../../snapshots/segments/stable-order.js';
import type { OperatorHome } from '../pipeline-scope.js';
import type { Key } from './key.js';
import { objectsCodec, type WindowObjects } from './objects-codec.js';
import { Place, SEQUENCE, type StateShape, type WindowStates, writeNew } from './window-states.js';

/**
 * Windows that a checkpoint saves. Their numbers are in a state under the keys of their events, which may have several: they are found by
 * slot only. Their objects are in another one, by the slot of the window in the first: slots are the same after a load. A window has
 * objects there once one is set.
 *
 * What is sought is taken to be changed: so it is in the next checkpoint.
 */
export class SavedStates implements WindowStates {
  /** How many windows were opened; to be set when they are loaded. */
  opened = 0;
  loaded: Uint32Array = new Uint32Array(0);
  private readonly windows: KeyedState<Key, Numbers, Float64Array>;
  private readonly objects: KeyedState<number, WindowObjects, unknown[]> | null;

  constructor(
    home: OperatorHome,
    private readonly shape: StateShape,
  ) {
    this.windows = home.keyed('windows', columnarCodec(shape.numbers.length), false);
    this.objects = shape.objects.length === 0 ? null : home.keyed('objects', objectsCodec(shape.objects));
  }

  load(): void {
    const slots = this.windows.allSlots();
    const sequences = new Float64Array(slots.length);
    for (let at = 0; at < slots.length; at++) sequences[at] = this.number(slots[at]!, SEQUENCE);
    const order = integerOrder(sequences, slots.length);
    for (let at = 0; at < order.length; at++) order[at] = slots[order[at]!]!;
    this.loaded = order;
  }

  place(): SavedPlace {
    return new SavedPlace(this.objects);
  }

  open(key: Key, start: number, end: number): number {
    const { windows, shape } = this;
    const sequence = ++this.opened;
    const slot = windows.insert(key);
    writeNew(windows.change(slot), windows.offset(slot), shape.numbers, start, end, sequence);
    return slot;
  }

  seek(slot: number, place: SavedPlace): void {
    place.numbers = this.windows.change(slot);
    place.at = this.windows.offset(slot);
    place.slot = slot;
  }

  key(slot: number): Key {
    return this.windows.key(slot);
  }

  number(slot: number, field: number): number {
    return this.windows.values(slot)[this.windows.offset(slot) + field]!;
  }

  setNumber(slot: number, field: number, value: number): void {
    this.windows.change(slot)[this.windows.offset(slot) + field] = value;
  }

  close(slot: number): void {
    this.windows.remove(slot);
    this.objects?.delete(slot);
  }

  /** Nothing is open any more. */
  clear(): void {
    for (const slot of this.windows.slots()) this.close(slot);
  }
}

class SavedPlace extends Place {
  slot = -1;

  constructor(private readonly objects: KeyedState<number, WindowObjects, unknown[]> | null) {
    super();
  }

  object(index: number): unknown {
    const slot = this.objects!.find(this.slot);
    return slot < 0 ? undefined : this.ofWindow(slot)[index];
  }

  setObject(index: number, value: unknown): void {
    const { objects, slot } = this;
    const found = objects!.find(slot);
    if (found >= 0) this.ofWindow(found)[index] = value;
    else {
      const claimed = objects!.claim(slot);
      const values: unknown[] = [];
      values[index] = value;
      objects!.change(claimed)[objects!.offset(claimed)] = values;
    }
  }

  /** To be changed. */
  private ofWindow(slot: number): WindowObjects {
    return this.objects!.change(slot)[this.objects!.offset(slot)] as WindowObjects;
  }
}
