import { Unfit } from './source.js';

/** How many of them a millisecond has. */
const UNITS = { s: 1 / 1_000, ms: 1, us: 1_000, ns: 1_000_000 } as const;
export type TimeUnit = keyof typeof UNITS;
export const TIME_UNITS = Object.keys(UNITS) as TimeUnit[];

const UNIT_WORDS: Readonly<Record<TimeUnit, string>> = {
  s: 'seconds',
  ms: 'milliseconds',
  us: 'microseconds',
  ns: 'nanoseconds',
};

export const unitInWords = (unit: TimeUnit): string => `${UNIT_WORDS[unit]} since 1970`;

const NUMBER = /^[+-]?\d+(\.\d+)?([eE]\+?\d+)?$/;
const DATE =
  /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?(?: ?(Z|UTC|[+-]\d\d(?::?\d\d)?))?)?$/i;

/** The last time that a `Date` can say. */
const TIME_MAX = 8.64e15;

/**
 * Which unit numbers are in, by the largest of a sample: seconds until the year 5138, else milliseconds, microseconds or
 * nanoseconds. `null` where there are no numbers.
 */
export function guessUnit(sample: readonly unknown[]): TimeUnit | null {
  let largest = -1;
  for (const cell of sample) {
    const isNumber = typeof cell === 'number' || (typeof cell === 'string' && NUMBER.test(cell.trim()));
    if (isNumber) largest = Math.max(largest, Math.abs(Number(cell)));
  }
  if (largest < 0) return null;
  if (largest < 1e11) return 's';
  return largest < 1e14 ? 'ms' : largest < 1e17 ? 'us' : 'ns';
}

/** Reads a time: a number in `unit`, or a date and time in ISO 8601, which is UTC where it names no zone. */
export function readTime(cell: unknown, unit: TimeUnit): number | Unfit {
  const text = typeof cell === 'string' ? cell.trim() : null;
  if (typeof cell === 'number' || (text !== null && NUMBER.test(text))) {
    const time = Math.round(Number(cell) / UNITS[unit]);
    return Math.abs(time) <= TIME_MAX ? time : new Unfit('is a time that is too far away');
  }
  const time = text === null ? null : readDate(text);
  return time ?? new Unfit('is not a time: neither a number nor a date in ISO 8601');
}

function readDate(text: string): number | null {
  const match = DATE.exec(text);
  if (match === null) return null;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((part) => Number(part ?? 0));
  const milliseconds = Number(`${match[7] ?? ''}000`.slice(0, 3));
  // `Date.UTC` takes the years 0 to 99 for 1900 to 1999.
  const date = new Date(0);
  date.setUTCFullYear(year!, month! - 1, day!);
  date.setUTCHours(hour!, minute!, second!, milliseconds);
  // A day or an hour that there is not would have become one of the next month or day.
  const isThere =
    date.getUTCMonth() === month! - 1 &&
    date.getUTCDate() === day &&
    date.getUTCHours() === hour &&
    date.getUTCMinutes() === minute;
  return isThere && second! < 60 ? date.getTime() - offsetOf(match[8]) : null;
}

/** Milliseconds of `+02:00`, `+0200`, `+02`; 0 of `Z`. */
function offsetOf(zone: string | undefined): number {
  if (zone === undefined || !/^[+-]/.test(zone)) return 0;
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(3).replace(':', '') || 0);
  return (zone[0] === '-' ? -1 : 1) * (hours * 60 + minutes) * 60_000;
}
