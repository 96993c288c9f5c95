import { MillraceError } from '../../errors.js';
import type { StateKey, StateKeyPart } from '../../snapshots/state-key.js';
import type { OperatorHome } from '../pipeline-scope.js';

type Row = Readonly<Record<string, unknown>>;

/** What a `Date` can hold: beyond it are other units. */
export const TIME_MAX = 8.64e15;

/**
 * Reads the key of an event: the value of one column, or a tuple of several.
 *
 * @throws MillraceError `INVALID_ARGUMENT`, when it reads, for an event without one
 */
export function keyReader(operator: string, by: readonly string[]): (event: unknown) => StateKey {
  const [first] = by;
  if (by.length === 1 && first !== undefined) return (event) => keyPart(operator, event, first);
  return (event) => by.map((column) => keyPart(operator, event, column));
}

/**
 * Reads the event time, in milliseconds: from the column that is named, else from the one that the home knows. To be made when the
 * home has loaded.
 *
 * @throws MillraceError `INVALID_OPTION` where nobody knows the column; when it reads, `INVALID_ARGUMENT` for what is no time
 */
export function timeReader(
  operator: string,
  time: string | null,
  home: OperatorHome,
  option = 'time',
): (event: unknown) => number {
  const column = timeColumn(operator, time, home, option);
  return (event) => {
    const value = (event as Row | null | undefined)?.[column];
    if (typeof value === 'number' && Math.abs(value) <= TIME_MAX) return value;
    const expected = 'a finite number of milliseconds since 1970-01-01, at most 8.64e15 (of a Date: getTime())';
    throw invalid(operator, event, column, 'time', expected);
  };
}

/** The column with the event time. @throws MillraceError `INVALID_OPTION` where nobody knows it */
export function timeColumn(operator: string, time: string | null, home: OperatorHome, option = 'time'): string {
  const column = time ?? home.timeColumn;
  if (column !== null) return column;
  const message = `Option ${option} of ${operator} must name the column with the event time: outside of a mill, and where streams have it in different columns, there is no schema that says it.`;
  throw new MillraceError('INVALID_OPTION', message);
}

function keyPart(operator: string, event: unknown, column: string): StateKeyPart {
  const value = (event as Row | null | undefined)?.[column];
  switch (typeof value) {
    case 'string':
    case 'bigint':
    case 'boolean':
      return value;
    case 'number':
      // -0 is 0, as in a Map.
      return value + 0;
  }
  throw invalid(operator, event, column, 'key', 'a string, number, bigint or boolean');
}

function invalid(operator: string, event: unknown, column: string, role: string, expected: string): MillraceError {
  const isRow = typeof event === 'object' && event !== null;
  const message =
    isRow && !(column in event)
      ? `An event has no column ${JSON.stringify(column)}, which ${operator} takes as its ${role}. It has: ${Object.keys(event).join(', ')}.`
      : `The ${role} of an event, column ${JSON.stringify(column)}, must be ${expected}, not ${kindOf(isRow ? (event as Row)[column] : event)}.`;
  return new MillraceError('INVALID_ARGUMENT', `${message} Filter or map such events before ${operator}.`, { column });
}

function kindOf(value: unknown): string {
  if (value === null || typeof value === 'number') return String(value);
  return typeof value === 'object' ? 'an object' : typeof value;
}
