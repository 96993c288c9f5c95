import { MillraceError } from '../../errors.js';
import { compiled, literal } from '../generated-code.js';
import { type Identity, identityOf, type Key, type KeyPart } from './key.js';

/** What a `Date` can hold: beyond it are other units. */
const TIME_MAX = 8.64e15;

type Row = Readonly<Record<string, unknown>>;

/** What a window reads of an event first. */
export interface EventReader {
  /** Milliseconds. @throws MillraceError `INVALID_ARGUMENT` for what is no finite number of these. */
  readonly timeOf: (event: unknown) => number;
  /** @throws MillraceError `INVALID_ARGUMENT` for an event without one. */
  readonly keyOf: (event: unknown) => Key;
  /** That of its key. */
  readonly identityOf: (event: unknown) => Identity;
}

export function eventReader(time: string, by: readonly string[]): EventReader {
  const general = generalReader(time, by);
  const timeOf = compiled<EventReader['timeOf']>(
    `return (event) => {
      const time = event?.[${literal(time)}];
      return time >= -${TIME_MAX} && time <= ${TIME_MAX} && typeof time === 'number' ? time : timeOf(event);
    };`,
    { timeOf: general.timeOf },
  );
  if (timeOf === null) return general;
  if (by.length !== 1) return { ...general, timeOf };
  const identityOf = compiled<EventReader['identityOf']>(
    `return (event) => { const key = event[${literal(by[0]!)}]; return typeof key === 'string' ? key : keyOf(event); };`,
    { keyOf: general.keyOf },
  );
  return { timeOf, keyOf: general.keyOf, identityOf: identityOf! };
}

function generalReader(time: string, by: readonly string[]): EventReader {
  const timeOf = (event: unknown): number => checkedTime((event as Row | null)?.[time], time, event);
  const [first] = by;
  if (by.length === 1 && first !== undefined) {
    const keyOf = (event: unknown): KeyPart => keyPart((event as Row)[first], first, event);
    return { timeOf, keyOf, identityOf: keyOf };
  }
  const keyOf = (event: unknown): Key => by.map((column) => keyPart((event as Row)[column], column, event));
  return { timeOf, keyOf, identityOf: by.length === 0 ? () => '' : (event) => identityOf(keyOf(event)) };
}

function checkedTime(value: unknown, column: string, event: unknown): number {
  if (typeof value === 'number' && Math.abs(value) <= TIME_MAX) return value;
  throw invalid(
    event,
    column,
    value,
    'time',
    'a finite number of milliseconds since 1970-01-01, at most 8.64e15 (of a Date: getTime())',
  );
}

function keyPart(value: unknown, column: string, event: unknown): KeyPart {
  switch (typeof value) {
    case 'string':
    case 'bigint':
    case 'boolean':
      return value;
    case 'number':
      // -0 is 0, as in a Map.
      return value + 0;
  }
  throw invalid(event, column, value, 'key', 'a string, number, bigint or boolean');
}

function invalid(event: unknown, column: string, value: unknown, role: string, expected: string): MillraceError {
  const is =
    value === null
      ? 'null'
      : typeof value === 'number'
        ? String(value)
        : typeof value === 'object'
          ? 'an object'
          : typeof value;
  const isMissing = value === undefined && typeof event === 'object' && event !== null && !(column in event);
  const message = isMissing
    ? `An event has no column ${JSON.stringify(column)}, which windowed takes as its ${role}. It has: ${Object.keys(event).join(', ')}.`
    : `The ${role} of an event, column ${JSON.stringify(column)}, must be ${expected}, not ${is}.`;
  return new MillraceError('INVALID_ARGUMENT', `${message} Filter or map such events before the window.`, { column });
}
