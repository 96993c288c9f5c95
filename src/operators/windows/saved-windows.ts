import { columnarCodec, type Numbers } from '../../snapshots/columnar-codec.js';
import type { KeyedState } from '../../snapshots/keyed-state.js';
import { valueForm } from '../aggregates/object-form.js';
import type { OperatorHome } from '../pipeline-scope.js';
import { objectsCodec } from './objects-codec.js';
import type { WaitingEvents } from './reordering.js';
import { SavedStates } from './saved-states.js';
import type { Watermark } from './watermark.js';
import type { StateShape } from './window-states.js';

const TIME = 0;
const LATEST = 1;
const WAITED = 2;
const OPENED = 3;
const FIELDS = 4;

/**
 * Everything that `windowed` knows in a pipeline of a mill, where a checkpoint can save it between two events: the windows, the events
 * that wait for their turn, and where its time stands. All else is built again from these.
 */
export class SavedWindows {
  readonly states: SavedStates;
  /** The events of `Reordering`, by their numbers. */
  readonly waiting: WaitingEvents;
  private readonly progress: KeyedState<string, Numbers, Float64Array>;
  private slot = -1;

  constructor(home: OperatorHome, shape: StateShape) {
    this.states = new SavedStates(home, shape);
    this.waiting = home.keyed('waiting', objectsCodec([valueForm('windowed, of an event that waits for its turn,')]));
    this.progress = home.keyed('progress', columnarCodec(FIELDS));
  }

  /** To be called when the home has loaded. */
  load(watermark: Watermark): void {
    const { progress, states } = this;
    this.slot = progress.find('');
    if (this.slot >= 0) {
      const values = progress.values(this.slot);
      const at = progress.offset(this.slot);
      watermark.time = values[at + TIME]!;
      watermark.latest = values[at + LATEST]!;
      watermark.waited = values[at + WAITED]!;
      states.opened = values[at + OPENED]!;
    }
    states.load();
  }

  /** To be called before the state is saved. */
  settle({ time, latest, waited }: Watermark): void {
    const { progress, states } = this;
    const now = [time, latest, waited, states.opened];
    const isNew = this.slot < 0;
    if (isNew) this.slot = progress.claim('');
    const at = progress.offset(this.slot);
    const before = progress.values(this.slot);
    if (isNew || now.some((value, field) => value !== before[at + field])) progress.change(this.slot).set(now, at);
  }

  /** There will be no more events, also after a restart. */
  clear(): void {
    this.states.clear();
    for (const [number] of this.waiting) this.waiting.delete(number);
  }
}
