import type { OperatorFunction, Subscriber } from 'rxjs';
import { MillraceError } from '../errors.js';
import type { KeyedState } from '../snapshots/keyed-state.js';
import { objectCodec } from '../snapshots/state-codec.js';
import type { StateKey } from '../snapshots/state-key.js';
import { type Duration, millisecondsOf } from './duration.js';
import { compiled, literal } from './generated-code.js';
import type { OperatorHome } from './pipeline-scope.js';
import { ownFields } from './plain-data.js';
import { Expiry } from './stateful/expiry.js';
import { columnName, invalidOption, keyColumns, optionsObject, shown } from './stateful/key-options.js';
import { keyReader, timeReader } from './stateful/key-reader.js';
import { stateful } from './stateful/stateful.js';

export interface FoldOptions<T, By extends keyof T & string, S extends object> {
  /** The key columns, whose values are strings, numbers, bigints or booleans. Default: none, all events have one key. */
  readonly by?: By | readonly By[];
  /** The state of a key before its first event: an object of its own each time. */
  readonly init: () => S;
  /**
   * The state after an event: a new one, or the same one, changed. `undefined` ends it: nothing is emitted, and the next event of the key
   * begins with `init` again.
   */
  readonly add: (state: S, event: T) => NoInfer<S> | undefined;
  /** A key that had no event for so long, in event time, is forgotten. Default: never. */
  readonly ttl?: Duration;
  /** The column with the event time, in milliseconds since 1970-01-01, which only `ttl` needs. Default: in a mill, that of the stream. */
  readonly time?: keyof T & string;
}

/** A row of `fold`: the key columns, then the fields of the state. */
export type FoldRow<T, By extends keyof T, S> = Flat<Pick<T, By> & Omit<S, By>>;

type Flat<T> = { [K in keyof T]: T[K] } & {};

interface Resolved {
  readonly by: readonly string[];
  readonly init: () => object;
  readonly add: (state: object, event: unknown) => object | undefined;
  /** Milliseconds; `null` for never. */
  readonly ttl: number | null;
  readonly time: string | null;
}

/**
 * Keeps a state for each key and emits it after each event, as a flat row: the key columns under their names, then the fields of the
 * state; one with the name of a key column gives way to it. A row is new each time; objects inside are those of the state, or, where a
 * pipeline of a mill may keep them, copies.
 *
 * With `ttl` a key is forgotten, without a row, once the largest time seen, over all keys, is so long after what it was at the last event
 * of the key; its next event, however late, begins with `init` again. Without it every key is kept forever.
 *
 * In a pipeline the state must be what JSON can keep (also undefined, NaN, bigint, Date, bytes; not functions, Maps or Sets: use
 * arrays and plain objects); it comes back as plain data.
 *
 * @throws MillraceError `INVALID_OPTION` at once for options that do not fit, for `ttl` without `time` outside of a mill as an error of the
 * stream; as such also `INVALID_ARGUMENT` for an event without a key or a time, for a state that is no object, and what a function of the options throws
 * @example
 * payments.pipe(
 *   fold({ by: 'account', init: () => ({ balance: 0 }), add: (state, { amount }) => ({ balance: state.balance + amount }) }),
 * ); // { account: 'a7', balance: 120 }
 */
export function fold<T, By extends keyof T & string = never, S extends object = Record<never, never>>(
  options: FoldOptions<NoInfer<T>, By, S>,
): OperatorFunction<T, FoldRow<T, By, S>> {
  const resolved = resolveFold(options as unknown as FoldOptions<never, never, object>);
  const { by, ttl, time } = resolved;
  return stateful<T, FoldRow<T, By, S>>({
    name: 'fold',
    shape: { by, ttl, time },
    open: (home, rows) => {
      const folding = new Folding(home, rows as Subscriber<unknown>, resolved);
      return { next: (event) => folding.next(event) };
    },
  });
}

/** @throws MillraceError `INVALID_OPTION` */
function resolveFold(options: FoldOptions<never, never, object>): Resolved {
  const example = "{ by: 'account', init: () => ({ balance: 0 }), add: (state, event) => ({ … }) }";
  const { init, add, ttl, time, by } = optionsObject('fold', options, example);
  if (typeof init !== 'function') throw invalidOption(`Option init of fold must be a function, not ${shown(init)}.`);
  if (typeof add !== 'function') throw invalidOption(`Option add of fold must be a function, not ${shown(add)}.`);
  return {
    by: keyColumns(by),
    init,
    add: add as Resolved['add'],
    ttl: ttl === undefined ? null : millisecondsOf('ttl', ttl),
    time: time === undefined ? null : columnName('time', time),
  };
}

/** What a key has: `seen` is for `ttl` only. */
interface Folded {
  state: object;
  seen?: number;
}

class Folding {
  private readonly folded: KeyedState<StateKey, Folded, unknown[]>;
  private readonly expiry: Expiry | null;
  private readonly keyOf: (event: unknown) => StateKey;
  private readonly makeRow: MakeRow;
  private timeOf = (_event: unknown): number => 0;
  private isAdding = false;

  constructor(
    private readonly home: OperatorHome,
    private readonly rows: Subscriber<unknown>,
    private readonly of: Resolved,
  ) {
    this.folded = home.keyed('folded', objectCodec<Folded>());
    this.expiry = of.ttl === null ? null : new Expiry(home, of.ttl, (slot) => this.folded.remove(slot));
    this.keyOf = keyReader('fold', of.by);
    this.makeRow = rowMaker(of.by);
    home.whenLoaded(() => this.load());
  }

  private load(): void {
    const { folded, expiry, home, of } = this;
    if (expiry === null) return;
    this.timeOf = timeReader('fold', of.time, home);
    expiry.load([...folded.slots()].map((slot) => [slot, this.at(slot).seen!]));
  }

  next(event: unknown): void {
    const { folded, expiry } = this;
    const key = this.keyOf(event);
    expiry?.advance(this.timeOf(event));
    const found = folded.find(key);
    if (found >= 0) folded.change(found);
    const state = this.added(found >= 0 ? this.at(found).state : null, event);
    if (state === undefined) {
      if (found >= 0) this.forget(found);
      return;
    }
    const slot = found >= 0 ? found : folded.claim(key);
    const entry: Folded = { state };
    if (expiry !== null) entry.seen = found >= 0 ? expiry.touch(slot) : expiry.add(slot);
    folded.change(slot)[folded.offset(slot)] = entry;
    const row = this.makeRow(key, state);
    this.rows.next(this.home.isKeptAfter ? ownFields(row) : row);
  }

  private at(slot: number): Folded {
    return this.folded.values(slot)[this.folded.offset(slot)] as Folded;
  }

  private forget(slot: number): void {
    this.expiry?.remove(slot);
    this.folded.remove(slot);
  }

  /** Functions of the user, which must not feed their own fold: the state is on its way. */
  private added(before: object | null, event: unknown): object | undefined {
    if (this.isAdding)
      throw new MillraceError('INVALID_ARGUMENT', 'fold was given an event by its own function init or add.');
    this.isAdding = true;
    try {
      const state = this.of.add(before ?? this.of.init(), event);
      if (state === undefined || (typeof state === 'object' && state !== null && !Array.isArray(state))) return state;
      const message = `Function add of fold must return the state, an object such as { balance: 0 }, or undefined to end it, not ${shown(state)}.`;
      throw new MillraceError('INVALID_ARGUMENT', message);
    } finally {
      this.isAdding = false;
    }
  }
}

type MakeRow = (key: StateKey, state: object) => object;

/** Key columns stand before the fields of the state, and win over them. */
function rowMaker(by: readonly string[]): MakeRow {
  const columns = by.map((column, at) => `${literal(column)}: ${by.length === 1 ? 'key' : `key[${at}]`},`).join(' ');
  const made = compiled<MakeRow>(`return (key, state) => ({ ${columns} ...state, ${columns} });`, {});
  return made ?? ((key, state) => generalRow(by, key, state));
}

function generalRow(by: readonly string[], key: StateKey, state: object): object {
  const parts = (by.length === 1 ? [key] : key) as readonly unknown[];
  const columns = Object.fromEntries(by.map((column, at) => [column, parts[at]]));
  return { ...columns, ...state, ...columns };
}
