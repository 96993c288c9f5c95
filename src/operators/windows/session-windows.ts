import { mergeInto } from './accumulate.js';
import { type Identity, identityOf } from './key.js';
import { TimeHeap } from './time-heap.js';
import { END, FIRST_TIME, LAST_TIME, REVISION, SEQUENCE, START } from './window-states.js';
import type { Windowing, Windows } from './windowing.js';

/**
 * Sessions. Those that end together are emitted by end, then start, then in the order in which they were opened: that of the arrival
 * of their first events.
 */
export class SessionWindows implements Windows {
  /** The slots of each key's sessions, by start. Between the end of one and the start of the next there may be nothing. */
  private readonly sessions = new Map<Identity, number[]>();
  /** When to look at a session again: not after its next end, or the end of the time for its correction. */
  private readonly looks = new TimeHeap<number>();
  /** The watermark up to which sessions have ended. */
  private passedTo: number;

  constructor(
    private readonly windowing: Windowing,
    private readonly gap: number,
  ) {
    this.passedTo = windowing.parts.watermark.time;
    this.load();
  }

  next(event: unknown): void {
    const { windowing } = this;
    const { reader, watermark, states, correctFor, emitsUpdates } = windowing.parts;
    const time = reader.timeOf(event);
    const identity = reader.identityOf(event);
    if (windowing.advance(time)) this.passed();
    const touched = this.touched(identity, time);
    if (touched.length === 0 && time + this.gap + correctFor <= watermark.time) {
      windowing.late(event, time);
      return;
    }
    const slot = touched.length === 0 ? this.open(event, identity, time) : this.join(touched, time);
    windowing.add(slot, event, time);
    if (states.number(slot, END) <= watermark.time) windowing.emitFinal(slot);
    else if (emitsUpdates) windowing.emitUpdate(slot);
  }

  passed(): void {
    const { watermark } = this.windowing.parts;
    if (this.looks.time <= watermark.time) this.pass(this.passedTo, watermark.time);
    this.passedTo = watermark.time;
  }

  get nextEnd(): number {
    return this.looks.time;
  }

  complete(): void {
    const { states, watermark } = this.windowing.parts;
    const isOpen = (slot: number): boolean => states.number(slot, END) > watermark.time;
    this.windowing.emitEnded([...this.sessions.values()].flat().filter(isOpen));
    this.sessions.clear();
  }

  private load(): void {
    const { states, watermark, correctFor } = this.windowing.parts;
    for (const slot of states.loaded) {
      this.insert(identityOf(states.key(slot)), slot);
      const end = states.number(slot, END);
      this.lookAt(slot, end <= watermark.time ? end + correctFor : end);
    }
  }

  /** The key's sessions that an event joins: at most the one before it and the one after it. */
  private touched(identity: Identity, time: number): readonly number[] {
    const { states } = this.windowing.parts;
    const slots = this.sessions.get(identity);
    if (slots === undefined) return [];
    return slots.filter((slot) => time < states.number(slot, END) && time + this.gap > states.number(slot, START));
  }

  private open(event: unknown, identity: Identity, time: number): number {
    const { states, reader } = this.windowing.parts;
    const slot = states.open(reader.keyOf(event), time, time + this.gap);
    this.insert(identity, slot);
    this.lookAt(slot, time + this.gap);
    return slot;
  }

  private insert(identity: Identity, slot: number): void {
    const { states } = this.windowing.parts;
    const slots = this.sessions.get(identity) ?? [];
    const start = states.number(slot, START);
    let at = slots.length;
    while (at > 0 && states.number(slots[at - 1]!, START) > start) at--;
    slots.splice(at, 0, slot);
    this.sessions.set(identity, slots);
  }

  /** Makes sessions that an event joins one, in the first's slot, with the bounds that it has then. */
  private join([slot, other]: readonly number[], time: number): number {
    const { states, watermark, layout } = this.windowing.parts;
    const last = other ?? slot!;
    const start = Math.min(time, states.number(slot!, START));
    const end = Math.max(time + this.gap, states.number(last, END));
    this.takeBack(slot!, start, end);
    if (other !== undefined) {
      this.takeBack(other, start, end);
      mergeInto(layout, ...this.windowing.both(slot!, other));
      for (const [field, chosen] of [
        [REVISION, Math.max],
        [SEQUENCE, Math.min],
      ] as const)
        states.setNumber(slot!, field, chosen(states.number(slot!, field), states.number(other, field)));
      this.forget(other);
    }
    const ended = states.number(slot!, END);
    states.setNumber(slot!, START, start);
    states.setNumber(slot!, END, end);
    // What had ended is looked at only when the time for its correction is over; and a number that changed ends earlier looks.
    if (other !== undefined || (ended <= watermark.time && end > watermark.time)) this.lookAt(slot!, end);
    return slot!;
  }

  /** The row of a session whose bounds move is not true any more, where it is out: it is emitted once more, with nothing in it. */
  private takeBack(slot: number, start: number, end: number): void {
    const { states, watermark } = this.windowing.parts;
    const [startBefore, endBefore] = [states.number(slot, START), states.number(slot, END)];
    const isOut = endBefore <= watermark.time;
    if (!isOut || (startBefore === start && endBefore === end)) return;
    const empty = states.open(states.key(slot), startBefore, endBefore);
    for (const field of [FIRST_TIME, LAST_TIME, REVISION]) states.setNumber(empty, field, states.number(slot, field));
    this.windowing.emitFinal(empty);
    states.setNumber(slot, REVISION, states.number(empty, REVISION));
    states.close(empty);
  }

  /** Ends what the watermark passed since it was `before`, and forgets what nothing can correct any more. */
  private pass(before: number, watermark: number): void {
    const { states, correctFor } = this.windowing.parts;
    const ended = new Set<number>();
    const over = new Set<number>();
    while (this.looks.time <= watermark) {
      const { order, item: slot } = this.looks.pop();
      // The slot may have gone, and been used again.
      if (states.number(slot, SEQUENCE) !== order || ended.has(slot)) continue;
      const end = states.number(slot, END);
      if (end > watermark) this.lookAt(slot, end);
      else if (end > before) ended.add(slot);
      else if (end + correctFor <= watermark) over.add(slot);
      else this.lookAt(slot, end + correctFor);
    }
    for (const slot of over) this.forget(slot);
    this.end([...ended], watermark);
  }

  private end(slots: readonly number[], watermark: number): void {
    const { states, correctFor, isStopped } = this.windowing.parts;
    for (const slot of this.windowing.inOrder(slots)) {
      if (isStopped()) return;
      this.windowing.emitFinal(slot);
      const end = states.number(slot, END);
      if (end + correctFor <= watermark) this.forget(slot);
      else this.lookAt(slot, end + correctFor);
    }
  }

  private lookAt(slot: number, time: number): void {
    this.looks.push(time, this.windowing.parts.states.number(slot, SEQUENCE), slot);
  }

  private forget(slot: number): void {
    const { states } = this.windowing.parts;
    const identity = identityOf(states.key(slot));
    const slots = this.sessions.get(identity)!;
    if (slots.length === 1) this.sessions.delete(identity);
    else slots.splice(slots.indexOf(slot), 1);
    states.close(slot);
  }
}
