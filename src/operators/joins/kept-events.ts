import type { KeyedState } from '../../snapshots/keyed-state.js';
import { jsonCodec } from '../../snapshots/state-codec.js';
import type { Identity } from '../../snapshots/state-key.js';
import type { OperatorHome } from '../pipeline-scope.js';
import type { SideReader } from './sides.js';
import { type KeptEvent, Timeline } from './timeline.js';

/** The events of one side that a join keeps: in its state by their numbers, and by key and time in an index that follows from that. */
export class KeptEvents {
  private readonly state: KeyedState<number, unknown, unknown[]>;
  private readonly timelines = new Map<Identity, Timeline>();

  constructor(home: OperatorHome, part: string) {
    this.state = home.keyed(part, jsonCodec());
  }

  get size(): number {
    return this.state.size;
  }

  /** Those that were saved, in the order in which they came. */
  load({ keyOf, timeOf }: SideReader): KeptEvent[] {
    const saved = [...this.state].toSorted(([a], [b]) => a - b);
    return saved.map(([number, event]) => {
      const kept = { event, key: keyOf(event), time: timeOf(event), number, isGone: false };
      this.insert(kept);
      return kept;
    });
  }

  /** Those of a key; `undefined` where there are none. */
  of(key: Identity): Timeline | undefined {
    return this.timelines.get(key);
  }

  add(event: unknown, key: Identity, time: number, number: number): KeptEvent {
    const kept = { event, key, time, number, isGone: false };
    this.state.set(number, event);
    this.insert(kept);
    return kept;
  }

  remove(kept: KeptEvent): void {
    const timeline = this.timelines.get(kept.key)!;
    timeline.remove(kept);
    if (timeline.size === 0) this.timelines.delete(kept.key);
    kept.isGone = true;
    this.state.delete(kept.number);
  }

  private insert(kept: KeptEvent): void {
    let timeline = this.timelines.get(kept.key);
    if (timeline === undefined) this.timelines.set(kept.key, (timeline = new Timeline()));
    timeline.insert(kept);
  }
}
