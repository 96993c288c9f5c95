import { MillraceError } from '../../errors.js';
import { KeyedState } from '../../snapshots/keyed-state.js';
import { jsonCodec } from '../../snapshots/state-codec.js';
import type { StateKey } from '../../snapshots/state-key.js';
import { shown } from '../values.js';
import type { DerivedOutput } from './derived-output.js';

/** A change of a table: `value` is undefined where the key went. */
export interface TableChange<V> {
  readonly key: StateKey;
  readonly value: V;
  /** The event that caused it. */
  readonly lsn: number;
}

/** Keeps the last row of each key. */
export class TableOutput<V> implements DerivedOutput {
  readonly state: KeyedState<StateKey, V, unknown[]>;
  readonly states: readonly [KeyedState<StateKey, V, unknown[]>];
  /** The rows that readers have while a new version is being built. */
  before: KeyedState<StateKey, V, unknown[]> | null = null;
  private accepted = 0;
  private turn: { readonly key: StateKey; readonly value: V }[] = [];

  constructor(
    private readonly name: string,
    private readonly key: readonly string[],
    private readonly changed: (change: TableChange<V>) => void,
    /** Of a version that is being built, changes from this lsn on are new to those who listen. */
    private readonly toldFrom = 0,
  ) {
    this.state = new KeyedState(`${name}/rows`, jsonCodec<V>());
    this.states = [this.state];
  }

  take(row: unknown): void {
    this.turn.push({ key: keyIn(this.name, this.key, row), value: row as V });
  }

  /** What comes later in the turn finds them in the table. */
  accept(): readonly never[] {
    const { turn, state } = this;
    for (; this.accepted < turn.length; this.accepted++) {
      const { key, value } = turn[this.accepted]!;
      state.set(key, value);
    }
    return [];
  }

  drop(): void {
    this.turn.length = this.accepted;
  }

  endTurn(lsn: number, isTold: boolean): void {
    const { turn } = this;
    if (turn.length === 0) return;
    this.turn = [];
    this.accepted = 0;
    if (isTold && lsn >= this.toldFrom) for (const { key, value } of turn) this.changed({ key, value, lsn });
  }

  endGroup(): void {}

  mark(): null {
    return null;
  }

  swapped(): void {
    this.before = null;
  }

  stopped(): void {}
}

/** @throws MillraceError `INVALID_ARGUMENT` for a row without a key */
export function keyIn(name: string, columns: readonly string[], row: unknown): StateKey {
  if (typeof row !== 'object' || row === null) throw refused(name, `a row must be an object, not ${shown(row)}`);
  const key = columns.map((column) => {
    const value = (row as Record<string, unknown>)[column];
    if (
      typeof value === 'string' ||
      typeof value === 'number' ||
      typeof value === 'bigint' ||
      typeof value === 'boolean'
    )
      return value;
    throw refused(name, `key column "${column}" must be a string, number, bigint or boolean, not ${shown(value)}`);
  });
  return key.length === 1 ? key[0]! : key;
}

function refused(table: string, what: string): MillraceError {
  return new MillraceError('INVALID_ARGUMENT', `Table "${table}": ${what}.`, { stream: table });
}
