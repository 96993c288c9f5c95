import { MillraceError } from '../../errors.js';
import type { Duration } from '../duration.js';
import { FixedIntervals, type Intervals } from './intervals.js';
import { TimeZone } from './time-zone.js';

const SIZE = /^\s*(\d+)\s*(d|days?|w|weeks?|mo|months?|q|quarters?|y|years?)\s*$/i;
const DAY = 86_400_000;
/** 1970-01-05: a Monday. */
const MONDAY = 4 * DAY;
const MONTHS: Readonly<Record<string, number>> = { mo: 1, q: 3, y: 12 };

/**
 * The intervals of a size of the calendar; null where it is none.
 *
 * @param offset milliseconds of local time by which they begin later
 */
export function calendarOf(size: Duration, timeZone: string | undefined, offset: number): Intervals | null {
  const [, digits, word] = SIZE.exec(String(size)) ?? [];
  if (digits === undefined || typeof size !== 'string') return null;
  const count = Number(digits);
  if (!Number.isSafeInteger(count) || count < 1 || count > 100_000)
    throw new MillraceError(
      'INVALID_OPTION',
      `Option size must be 1 to 100,000 days, weeks, months or years, not ${size}.`,
    );
  const unit = /^(mo|[dwqy])/i.exec(word!)![1]!.toLowerCase();
  const months = MONTHS[unit];
  if (months !== undefined) return new CalendarIntervals(new Months(count * months), timeZone ?? 'UTC', offset);
  const [days, begin] = unit === 'w' ? [count * 7, MONDAY] : [count, 0];
  // Without a time zone every day has 24 hours.
  if (timeZone === undefined) return new FixedIntervals(days * DAY, days * DAY, begin + offset);
  return new CalendarIntervals(new Days(days, begin), timeZone, offset);
}

/** Whether a duration is one of months: these have no length of their own. */
export function isVarying(size: Duration): boolean {
  return typeof size === 'string' && /\d\s*(mo|month|q|quarter|y|year)/i.test(size);
}

/** Numbers the units of local time. */
interface Units {
  readonly shape: unknown;
  numberOf(local: number): number;
  /** Local time at which a unit begins. */
  begin(number: number): number;
}

class Days implements Units {
  readonly shape: unknown;

  constructor(
    private readonly days: number,
    private readonly first: number,
  ) {
    this.shape = { days, first };
  }

  numberOf(local: number): number {
    return Math.floor((local - this.first) / (this.days * DAY));
  }

  begin(number: number): number {
    return number * this.days * DAY + this.first;
  }
}

class Months implements Units {
  readonly shape: unknown;

  constructor(private readonly months: number) {
    this.shape = { months };
  }

  numberOf(local: number): number {
    const date = new Date(local);
    return Math.floor(((date.getUTCFullYear() - 1970) * 12 + date.getUTCMonth()) / this.months);
  }

  begin(number: number): number {
    return Date.UTC(1970, number * this.months, 1);
  }
}

const KNOWN_MAX = 512;

class CalendarIntervals implements Intervals {
  readonly overlap = false;
  readonly shape: unknown;
  private readonly zone: TimeZone;
  /** The ends of intervals by their starts. To ask `Intl` takes microseconds. */
  private readonly known = new Map<number, number>();
  private lastStart = Infinity;
  private lastEnd = -Infinity;

  constructor(
    private readonly units: Units,
    timeZone: string,
    private readonly offset: number,
  ) {
    this.zone = new TimeZone(timeZone);
    this.shape = { units: units.shape, timeZone, offset };
  }

  startOf(time: number): number {
    if (time >= this.lastStart && time < this.lastEnd) return this.lastStart;
    for (const [start, end] of this.known) if (time >= start && time < end) return this.last(start, end);
    let number = this.units.numberOf(this.zone.localOf(time) - this.offset);
    // Where a change of the clocks is near a bound, local time alone does not say on which side it is.
    while (this.begin(number + 1) <= time) number++;
    while (this.begin(number) > time) number--;
    return this.last(this.begin(number), this.begin(number + 1));
  }

  endOf(start: number): number {
    this.startOf(start);
    return this.lastEnd;
  }

  before(start: number): number {
    return this.startOf(start - 1);
  }

  private begin(number: number): number {
    const local = this.units.begin(number);
    // Beyond the ends of the calendar.
    if (Number.isNaN(local)) return number < 0 ? -Infinity : Infinity;
    return this.zone.instantOf(local + this.offset);
  }

  private last(start: number, end: number): number {
    if (this.known.size >= KNOWN_MAX) this.known.clear();
    this.known.set(start, end);
    this.lastStart = start;
    this.lastEnd = end;
    return start;
  }
}
