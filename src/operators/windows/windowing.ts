import type { Counter } from '../stateful/counters.js';
import type { Accumulate } from './accumulate.js';
import type { EventReader } from './event-reader.js';
import type { Layout } from './layout.js';
import type { Watermark } from './watermark.js';
import type { MakeRow } from './window-row.js';
import { END, type Place, REVISION, SEQUENCE, START, type WindowStates } from './window-states.js';

/** What the kinds of windows differ in: which events go together, and when a window ends. */
export interface Windows {
  next(event: unknown): void;
  /** The watermark rose without an event. */
  passed(): void;
  /** Emits what is open: there will be no more events. */
  complete(): void;
  /** The watermark at which something ends next, or not before; `Infinity` where nothing is open. */
  readonly nextEnd: number;
}

export interface WindowingParts {
  readonly layout: Layout;
  readonly states: WindowStates;
  readonly watermark: Watermark;
  readonly reader: EventReader;
  readonly accumulate: Accumulate;
  readonly makeRow: MakeRow;
  /** For how many milliseconds of event time a window that has ended may still be corrected. */
  readonly correctFor: number;
  readonly emitsUpdates: boolean;
  readonly emit: (row: unknown) => void;
  readonly onLate: ((event: unknown, count: number) => void) | undefined;
  /** Counts late events. */
  readonly late: Counter;
  /** Takes late events for the side stream; null where there is none. */
  readonly toSide: ((event: unknown, time: number) => void) | null;
  /** Whether nobody listens any more. */
  readonly isStopped: () => boolean;
}

/** What all kinds of windows do with one window. */
export class Windowing {
  readonly place: Place;
  private readonly other: Place;

  constructor(readonly parts: WindowingParts) {
    this.place = parts.states.place();
    this.other = parts.states.place();
  }

  /** Moves the watermark; gives whether it rose. */
  advance(time: number): boolean {
    return this.parts.watermark.advance(time);
  }

  add(slot: number, event: unknown, time: number): void {
    const { parts, place } = this;
    parts.states.seek(slot, place);
    parts.accumulate(place, event, time);
  }

  late(event: unknown, time: number): void {
    const { late, onLate, toSide } = this.parts;
    late.add();
    toSide?.(event, time);
    onLate?.(event, late.count);
  }

  /** A window has ended, or one that had was corrected. */
  emitFinal(slot: number): void {
    const { parts, place } = this;
    parts.states.seek(slot, place);
    const revision = ++place.numbers[place.at + REVISION]!;
    parts.emit(parts.makeRow(place, parts.states.key(slot), revision, true));
  }

  emitUpdate(slot: number): void {
    const { parts, place } = this;
    parts.states.seek(slot, place);
    parts.emit(parts.makeRow(place, parts.states.key(slot), place.numbers[place.at + REVISION]! + 1, false));
  }

  /** The places of two windows, until the next call. */
  both(slot: number, other: number): [Place, Place] {
    this.parts.states.seek(slot, this.place);
    this.parts.states.seek(other, this.other);
    return [this.place, this.other];
  }

  /** Emits windows that end together: by end, then start, then the order in which they were opened; and gives their slots up. */
  emitEnded(slots: readonly number[]): void {
    const { states, isStopped } = this.parts;
    for (const slot of this.inOrder(slots)) {
      if (isStopped()) return;
      this.emitFinal(slot);
      states.close(slot);
    }
  }

  inOrder(slots: readonly number[]): number[] {
    const { states } = this.parts;
    const by = (field: number, a: number, b: number): number => states.number(a, field) - states.number(b, field);
    return [...slots].sort((a, b) => by(END, a, b) || by(START, a, b) || by(SEQUENCE, a, b));
  }
}
