import { filter, map, type Observable, type OperatorFunction, pipe, type Subscriber } from 'rxjs';
import type { KeyedState } from '../snapshots/keyed-state.js';
import { jsonCodec } from '../snapshots/state-codec.js';
import type { StateKey } from '../snapshots/state-key.js';
import { type JoinKind, joinKind, type Match, type Select, selectOf } from './joins/options.js';
import type { OperatorHome } from './pipeline-scope.js';
import { invalidOption, keyColumns, optionsObject, shown } from './stateful/key-options.js';
import { keyReader } from './stateful/key-reader.js';
import { branchOf, subscribeFirst } from './stateful/side-input.js';
import { stateful, tooEarly } from './stateful/stateful.js';

/** What can be looked up in: a table of a mill, or anything that gives rows with keys. */
export interface LookupTable<V> {
  readonly name: string;
  /** The rows as they come: the last one of a key is the row of that key. */
  readonly rows: Observable<V>;
  /** The key of a row: the value of the only key column, or the values of all as an array. */
  keyOf(row: NoInfer<V>): StateKey;
  /** The row of a key now, where the table knows it by itself. */
  get?(key: StateKey): V | undefined;
}

export type LookupJoinOptions<T, V, J extends JoinKind = 'left', R = [T, Match<V, J>]> = (
  | {
      /** The columns of the event with the key of the table, in the order of the table's key columns. */
      readonly by: (keyof T & string) | readonly (keyof T & string)[];
      readonly key?: undefined;
    }
  | {
      /** The key of the table's row, several key columns as an array; `undefined` or `null` for no row. */
      readonly key: (event: T) => StateKey | null | undefined;
      readonly by?: undefined;
    }
) & {
  /** Whether an event without a row gives one, with `undefined`. Default `left`: it does. */
  readonly join?: J;
  /** Makes the row. Default: both as a pair. */
  readonly select?: (event: T, row: Match<V, J>) => R;
};

interface Resolved {
  readonly by: readonly string[] | null;
  readonly keyOf: (event: unknown) => StateKey | null | undefined;
  readonly join: JoinKind;
  readonly select: Select;
}

const NAME = 'lookupJoin';

/**
 * Joins each event with the row that a table has for its key.
 *
 * In a pipeline that is the row as it was in the event's turn, what the same event does to the table included: the pipeline of the table
 * runs inside this one, with state of its own, so that rows are the same live, after a crash, and where history is processed; a table
 * itself keeps no history. State is one row for each key of the table, beside what its pipeline keeps. An event at which that pipeline throws
 * makes this one throw too.
 *
 * Elsewhere a table of a mill is asked for its row as it is now; anything else is subscribed to, before the source.
 *
 * @throws MillraceError `INVALID_OPTION` at once for options that do not fit; as an error of the stream `INVALID_ARGUMENT` for an event without
 * a key, and what a function of the options throws
 * @example
 * const limits = mill.table('limits', { key: 'device', from: limitChanges });
 * readings.pipe(
 *   lookupJoin(limits, { by: 'device', join: 'inner' }),
 *   filter(([{ temperature }, { limit }]) => temperature > limit),
 * );
 */
export function lookupJoin<T, V, J extends JoinKind = 'left', R = [T, Match<V, J>]>(
  table: LookupTable<V>,
  options: LookupJoinOptions<NoInfer<T>, NoInfer<V>, J, R>,
): OperatorFunction<T, R> {
  const resolved = resolve(
    table as LookupTable<unknown>,
    options as LookupJoinOptions<never, unknown, JoinKind, unknown>,
  );
  const { by, join } = resolved;
  return stateful<T, R>({
    name: NAME,
    shape: { table: table.name, by, join },
    ...(table.get === undefined
      ? {}
      : { plain: asItIs(table as LookupTable<unknown>, resolved) as OperatorFunction<T, R> }),
    open: (home, rows) => {
      const lookup = new Lookup(home, rows as Subscriber<unknown>, resolved);
      subscribeFirst(branchOf(home), table.rows, rows as Subscriber<never>, {
        next: (row) => lookup.learn(table.keyOf(row as V), row),
        complete: () => {},
      });
      return { next: (event) => lookup.take(event) };
    },
  });
}

/** @throws MillraceError `INVALID_OPTION` */
function resolve(table: LookupTable<unknown>, options: LookupJoinOptions<never, unknown, JoinKind, unknown>): Resolved {
  if (typeof table?.keyOf !== 'function' || typeof table.rows?.subscribe !== 'function')
    throw invalidOption(`${NAME} takes a table, or { name, rows, keyOf }, not ${shown(table)}.`);
  const { by, key, join, select } = optionsObject(NAME, options, "{ by: 'device' }");
  if ((by === undefined) === (key === undefined))
    throw invalidOption(`${NAME} takes either option by, the columns with the key, or option key, a function.`);
  if (key !== undefined && typeof key !== 'function')
    throw invalidOption(`Option key of ${NAME} must be a function, not ${shown(key)}.`);
  const columns = key === undefined ? keyColumns(by) : null;
  if (columns?.length === 0)
    throw invalidOption(`Option by of ${NAME} must name the columns with the key of the table.`);
  return {
    by: columns,
    keyOf: columns === null ? (key as unknown as Resolved['keyOf']) : keyReader(NAME, columns),
    join: joinKind(NAME, join),
    select: selectOf(NAME, select),
  };
}

/** Outside of a pipeline, where a table knows its rows by itself. */
function asItIs(table: LookupTable<unknown>, { keyOf, join, select }: Resolved): OperatorFunction<unknown, unknown> {
  return pipe(
    map((event) => [event, rowOf(keyOf(event), (key) => table.get!(key))] as const),
    filter(([, row]) => row !== undefined || join === 'left'),
    map(([event, row]) => select(event, row)),
  );
}

function rowOf(key: StateKey | null | undefined, get: (key: StateKey) => unknown): unknown {
  return key === undefined || key === null ? undefined : get(key);
}

class Lookup {
  private readonly known: KeyedState<StateKey, unknown, unknown[]>;
  private isLoaded = false;

  constructor(
    home: OperatorHome,
    private readonly rows: Subscriber<unknown>,
    private readonly of: Resolved,
  ) {
    this.known = home.keyed('rows', jsonCodec());
    home.whenLoaded(() => {
      this.isLoaded = true;
    });
  }

  /** The table has a new row. */
  learn(key: StateKey, row: unknown): void {
    if (!this.isLoaded) throw tooEarly(NAME);
    this.known.set(key, row);
  }

  take(event: unknown): void {
    const { known, rows, of } = this;
    const row = rowOf(of.keyOf(event), (key) => known.get(key));
    if (row !== undefined || of.join === 'left') rows.next(of.select(event, row));
  }
}
