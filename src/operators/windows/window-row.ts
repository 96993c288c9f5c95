import type { ReadResult, ResultOf } from '../aggregates/aggregate.js';
import { compiled, literal } from '../generated-code.js';
import type { Key } from './key.js';
import type { Layout } from './layout.js';
import { COUNT, END, FIRST_TIME, LAST_TIME, type Place, START } from './window-states.js';

/** What every window says, besides its key and its aggregates. Times are milliseconds. Its identity is its key, `start` and `end`. */
export interface WindowTimes {
  start: number;
  /** The first time that is not in it; of event and count windows: the time of the last event. */
  end: number;
  /** The least and the greatest time of an event in it. */
  firstTime: number;
  lastTime: number;
  /** Events in it. */
  count: number;
}

export interface WindowStatus {
  /** 0 for the first final row of a window, one more for each correction. A row that is not final has that of the next final one. */
  revision: number;
  /** Whether the window has ended; what is late may still correct it. */
  final: boolean;
}

/** A row of `windowed`: the key columns, the window, the aggregates under their names. */
export type WindowRow<T, By extends keyof T, A> = Flat<
  Pick<T, By> & WindowTimes & { [Name in keyof A]: ResultOf<T, A[Name]> } & WindowStatus
>;

type Flat<T> = { [K in keyof T]: T[K] } & {};

/** The names that a row has in any case. */
export const ROW_NAMES = ['start', 'end', 'firstTime', 'lastTime', 'count', 'revision', 'final'] as const;

export type MakeRow = (place: Place, key: Key, revision: number, final: boolean) => unknown;

const FIELDS = { start: START, end: END, firstTime: FIRST_TIME, lastTime: LAST_TIME, count: COUNT };

export function rowMaker(by: readonly string[], { results }: Layout): MakeRow {
  return generated(by, results) ?? general(by, results);
}

type Results = readonly { readonly name: string; readonly read: ReadResult }[];

function general(by: readonly string[], results: Results): MakeRow {
  return (place, key, revision, final) => {
    const row: Record<string, unknown> = {};
    for (const [at, column] of by.entries()) row[column] = typeof key === 'object' ? key[at] : key;
    for (const [name, field] of Object.entries(FIELDS)) row[name] = place.numbers[place.at + field];
    for (const { name, read } of results) row[name] = read(place);
    row.revision = revision;
    row.final = final;
    return row;
  };
}

function generated(by: readonly string[], results: Results): MakeRow | null {
  const fields = [
    ...by.map((column, at) => `${literal(column)}: ${by.length === 1 ? 'key' : `key[${at}]`}`),
    ...Object.entries(FIELDS).map(([name, field]) => `${name}: numbers[at + ${field}]`),
    ...results.map(({ name }, at) => `${literal(name)}: read${at}(place)`),
    'revision',
    'final',
  ];
  return compiled<MakeRow>(
    `return (place, key, revision, final) => {
      const { numbers, at } = place;
      return { ${fields.join(', ')} };
    };`,
    Object.fromEntries(results.map(({ read }, at) => [`read${at}`, read])),
  );
}
