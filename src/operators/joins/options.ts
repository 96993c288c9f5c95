import { type Duration, millisecondsOf } from '../duration.js';
import { columnName, invalidOption, keyColumns, optionsObject, shown } from '../stateful/key-options.js';

type Column<T> = keyof T & string;
type Columns<T> = Column<T> | readonly Column<T>[];

/** The key that two events must share. Its values are strings, numbers, bigints or booleans; `1` and `'1'` are different. */
export type JoinKey<T, U> =
  | {
      /** The key columns, which both sides have. Default: none, all events have one key. */
      readonly by?: (Column<T> & Column<U>) | readonly (Column<T> & Column<U>)[];
      readonly rightBy?: undefined;
    }
  | {
      /** The key columns of the left side. */
      readonly by: Columns<T>;
      /** Those of the right side, in the same order, where they have other names there. */
      readonly rightBy: Columns<U>;
    };

/** Where the event time is, in milliseconds since 1970-01-01. */
export type JoinTime<T, U> =
  | {
      /** The column with the event time. Default: in a mill, that of the streams of each side. */
      readonly time?: Column<T> & Column<U>;
      readonly rightTime?: undefined;
    }
  | {
      /** The column with the event time of the left side. */
      readonly time?: Column<T>;
      /** That of the right side. Default: in a mill, that of its streams; elsewhere as on the left. */
      readonly rightTime: Column<U>;
    };

/** How long events wait for others. */
export interface JoinDisorder {
  /** By how much the events of a side may come out of order. Default 0. */
  readonly lateness?: Duration;
  /**
   * How far a side may be behind the other one, in event time: one that is further behind counts as silent, and is not waited for. It
   * bounds what is kept for a side that gives nothing. Default one minute.
   */
  readonly maxLag?: Duration;
}

/** `left`: each event of the left side gives a row, also without a match. `inner`: only one that has a match. */
export type JoinKind = 'left' | 'inner';

/** What a left event is joined with. */
export type Match<U, J extends JoinKind> = J extends 'inner' ? U : U | undefined;

export type Select = (left: unknown, right: unknown) => unknown;

/** What a join of two streams knows of its inputs. */
export interface ResolvedSides {
  readonly by: readonly string[];
  readonly rightBy: readonly string[];
  /** `null` where the home is to know it. */
  readonly time: string | null;
  readonly rightTime: string | null;
  /** Milliseconds. */
  readonly lateness: number;
  readonly maxLag: number;
}

const MAX_LAG_MS = 60_000;

/** @throws MillraceError `INVALID_OPTION` */
export function resolveSides(operator: string, options: object, example: string): ResolvedSides {
  const given = optionsObject(operator, options, example) as Readonly<Record<string, unknown>>;
  const by = keyColumns(given.by);
  const rightBy = given.rightBy === undefined ? by : keyColumns(given.rightBy, 'rightBy');
  if (by.length !== rightBy.length) {
    const message = `Options by and rightBy of ${operator} must name as many columns as each other: ${shown(by)} and ${shown(rightBy)} do not.`;
    throw invalidOption(message);
  }
  return {
    by,
    rightBy,
    time: given.time === undefined ? null : columnName('time', given.time),
    rightTime: given.rightTime === undefined ? null : columnName('rightTime', given.rightTime),
    lateness: millisecondsOf('lateness', (given.lateness ?? 0) as Duration, { min: 0 }),
    maxLag: millisecondsOf('maxLag', (given.maxLag ?? MAX_LAG_MS) as Duration, { min: 0 }),
  };
}

/** @throws MillraceError `INVALID_OPTION` */
export function joinKind(operator: string, join: unknown): JoinKind {
  if (join === undefined || join === 'left' || join === 'inner') return join ?? 'left';
  throw invalidOption(`Option join of ${operator} must be 'left' or 'inner', not ${shown(join)}.`);
}

/** The function that makes rows. @throws MillraceError `INVALID_OPTION` */
export function selectOf(operator: string, select: unknown): Select {
  if (select === undefined) return (left, right) => [left, right];
  if (typeof select === 'function') return select as Select;
  throw invalidOption(`Option select of ${operator} must be a function, not ${shown(select)}.`);
}
