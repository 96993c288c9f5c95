import { MillraceError } from '../../errors.js';
import { type Identity, identityOf } from './key.js';
import { Reordering, type WaitingEvents } from './reordering.js';
import type { RunKind } from './window.js';
import { COUNT, END, LAST_TIME } from './window-states.js';
import type { Windowing, Windows } from './windowing.js';

/**
 * State, event and count windows: an event takes its turn once the watermark has reached it. Windows are emitted in the order of the
 * events that end them; those that are open when the source completes by end, then start, then in the order in which they were opened.
 */
export class RunWindows implements Windows {
  /** The open windows of each identity, in the order in which they were opened. */
  private readonly open = new Map<Identity, number[]>();
  private readonly order: Reordering<unknown>;
  private readonly turn: (event: unknown, identity: Identity, time: number) => void;

  /** @param waiting where events that wait are kept; null: nowhere but in memory */
  constructor(
    private readonly windowing: Windowing,
    kind: RunKind<never>,
    waiting: WaitingEvents | null,
  ) {
    const { reader, watermark } = windowing.parts;
    this.turn = this.turnOf(kind as RunKind<unknown>);
    this.order = new Reordering(watermark, (event, time) => this.turn(event, reader.identityOf(event), time), waiting);
    this.load();
  }

  next(event: unknown): void {
    const { windowing } = this;
    const { reader } = windowing.parts;
    const time = reader.timeOf(event);
    // Before it waits: an event without a key is an error when it comes.
    reader.identityOf(event);
    const rose = windowing.advance(time);
    if (this.order.isLate(time)) windowing.late(event, time);
    else this.order.take(event, time);
    if (rose) this.order.passed();
  }

  passed(): void {
    this.order.passed();
  }

  get nextEnd(): number {
    return this.order.nextTime;
  }

  complete(): void {
    this.order.complete();
    this.windowing.emitEnded([...this.open.values()].flat());
    this.open.clear();
  }

  private load(): void {
    const { states, reader } = this.windowing.parts;
    for (const slot of states.loaded) this.insert(identityOf(states.key(slot)), slot);
    this.order.load(reader.timeOf);
  }

  private turnOf(kind: RunKind<unknown>): RunWindows['turn'] {
    if (kind.type === 'state')
      return (event, identity, time) => this.stateTurn(kind.selector(event), event, identity, time);
    if (kind.type === 'count')
      return (event, identity, time) => this.countTurn(kind.size, kind.every, event, identity, time);
    return (event, identity, time) => {
      const slot = this.slotsOf(identity)[0] ?? (kind.start(event) ? this.begin(event, identity, time) : undefined);
      if (slot === undefined) return;
      this.add(slot, event, time);
      if (kind.end(event)) this.end(identity, slot);
      else this.update(slot);
    };
  }

  private stateTurn(state: unknown, event: unknown, identity: Identity, time: number): void {
    if (state === undefined || state === null) return;
    if (typeof state === 'object' || typeof state === 'function')
      throw new MillraceError('INVALID_ARGUMENT', notAState);
    const { place, parts } = this.windowing;
    let slot = this.slotsOf(identity)[0];
    if (slot !== undefined) {
      parts.states.seek(slot, place);
      if (!isSame(place.object(parts.layout.stateObject), state)) {
        parts.states.setNumber(slot, END, time);
        this.end(identity, slot);
        slot = undefined;
      }
    }
    if (slot === undefined) {
      slot = this.begin(event, identity, time);
      parts.states.seek(slot, place);
      place.setObject(parts.layout.stateObject, state);
    }
    this.add(slot, event, time);
    this.update(slot);
  }

  private countTurn(size: number, every: number, event: unknown, identity: Identity, time: number): void {
    const { states } = this.windowing.parts;
    const youngest = this.slotsOf(identity).at(-1);
    if (youngest === undefined || states.number(youngest, COUNT) === every) this.begin(event, identity, time);
    for (const slot of this.slotsOf(identity).slice()) {
      this.add(slot, event, time);
      if (states.number(slot, COUNT) === size) this.end(identity, slot);
      else this.update(slot);
    }
  }

  private slotsOf(identity: Identity): readonly number[] {
    return this.open.get(identity) ?? [];
  }

  private begin(event: unknown, identity: Identity, time: number): number {
    const { states, reader } = this.windowing.parts;
    const slot = states.open(reader.keyOf(event), time, time);
    this.insert(identity, slot);
    return slot;
  }

  private insert(identity: Identity, slot: number): void {
    const slots = this.open.get(identity);
    if (slots === undefined) this.open.set(identity, [slot]);
    else slots.push(slot);
  }

  /** As far as is known, a window ends with its last event. */
  private add(slot: number, event: unknown, time: number): void {
    const { states } = this.windowing.parts;
    this.windowing.add(slot, event, time);
    states.setNumber(slot, END, states.number(slot, LAST_TIME));
  }

  private update(slot: number): void {
    if (this.windowing.parts.emitsUpdates) this.windowing.emitUpdate(slot);
  }

  private end(identity: Identity, slot: number): void {
    const slots = this.open.get(identity)!;
    if (slots.length === 1) this.open.delete(identity);
    else slots.splice(slots.indexOf(slot), 1);
    this.windowing.emitEnded([slot]);
  }
}

/** As a `Map` tells keys apart. */
function isSame(a: unknown, b: unknown): boolean {
  return a === b || (Number.isNaN(a) && Number.isNaN(b));
}

const notAState =
  'The selector of stateWindow gave an object: a state is a string, number, bigint or boolean, or null for none. Take one of its fields.';
