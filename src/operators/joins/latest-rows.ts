import type { Identity } from '../../snapshots/state-key.js';
import type { OperatorHome } from '../pipeline-scope.js';
import { TimeHeap } from '../windows/time-heap.js';
import { KeptEvents } from './kept-events.js';
import type { SideReader } from './sides.js';
import type { KeptEvent, Timeline } from './timeline.js';

/**
 * The right side of an as-of join: for each key the last event up to the watermark and those after it. What a left event that is not
 * late could need is there; with a tolerance the last one goes too, once it is too old for any.
 */
export class LatestRows {
  private readonly kept: KeptEvents;
  /** Those after the watermark: when it has reached one, what is before that goes. */
  private readonly coming = new TimeHeap<KeptEvent>();
  /** The keys with an event up to the watermark, each once, by a time that is not after that of the event. */
  private readonly expiring = new TimeHeap<Timeline>();
  private readonly isExpiring = new Set<Timeline>();

  /** @param tolerance milliseconds; `Infinity` for any age */
  constructor(
    home: OperatorHome,
    private readonly tolerance: number,
  ) {
    this.kept = new KeptEvents(home, 'right');
  }

  load(reader: SideReader, watermark: number): void {
    for (const kept of this.kept.load(reader)) this.coming.push(kept.time, kept.number, kept);
    this.forget(watermark);
  }

  add(event: unknown, key: Identity, time: number, number: number): void {
    const { kept, coming } = this;
    const timeline = kept.of(key);
    const place = timeline?.upTo(time) ?? 0;
    const before = place === 0 ? null : timeline!.at(place - 1);
    const added = kept.add(event, key, time, number);
    // Of those with one time the last one counts.
    if (before !== null && before.time === time) kept.remove(before);
    coming.push(time, number, added);
  }

  /** The latest event up to a time; `undefined` where there is none that is not too old. */
  find(key: Identity, time: number): unknown {
    const timeline = this.kept.of(key);
    const place = timeline?.upTo(time) ?? 0;
    if (place === 0) return undefined;
    const found = timeline!.at(place - 1);
    return found.time >= time - this.tolerance ? found.event : undefined;
  }

  /** Forgets what no left event from the watermark on can need. */
  forget(watermark: number): void {
    while (this.coming.time <= watermark && this.coming.size > 0) {
      const { item } = this.coming.pop();
      if (!item.isGone) this.reached(item, watermark);
    }
    if (this.tolerance < Infinity) this.expire(watermark);
  }

  private reached(event: KeptEvent, watermark: number): void {
    const { kept } = this;
    const timeline = kept.of(event.key)!;
    while (timeline.at(0) !== event) kept.remove(timeline.at(0));
    // One that came late has one after it that the watermark has reached before.
    if (timeline.size > 1 && timeline.at(1).time <= watermark) kept.remove(event);
    else if (this.tolerance < Infinity) this.watch(timeline);
  }

  private watch(timeline: Timeline): void {
    if (this.isExpiring.has(timeline)) return;
    this.isExpiring.add(timeline);
    this.expiring.push(timeline.at(0).time, timeline.at(0).number, timeline);
  }

  private expire(watermark: number): void {
    const { kept, expiring, isExpiring, tolerance } = this;
    while (expiring.time + tolerance < watermark && expiring.size > 0) {
      const { item: timeline } = expiring.pop();
      isExpiring.delete(timeline);
      const event = timeline.at(0);
      if (event.time + tolerance < watermark) kept.remove(event);
      else this.watch(timeline);
    }
  }
}
