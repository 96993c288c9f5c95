import { MillraceError } from '../../errors.js';
import { type Duration, millisecondsOf } from '../duration.js';
import { calendarOf } from './calendar.js';
import { FixedIntervals } from './intervals.js';
import type { Window } from './window.js';

export interface TumblingOptions {
  /** By how much windows begin later than midnight, 1970-01-01 (weeks: Monday) of the time zone. May be negative. Default 0. */
  readonly offset?: Duration;
  /** Of the calendar, as `Intl` knows it: `'Europe/Berlin'`. Only for sizes of whole days, weeks, months or years. Default UTC. */
  readonly timeZone?: string;
}

/**
 * Windows of one size side by side: every event is in just one, `[start, end)`.
 *
 * A size in months, quarters or years (`'1mo'`, `'1q'`, `'1y'`), or one in days or weeks (`'1d'`, `'1w'`) with a time zone, is one of the
 * calendar: it begins at midnight there, also where a change to or from summer time makes a day of 23 or 25 hours; weeks begin on
 * Monday. Which days these are depends on the time zone data of the Node.js version.
 *
 * @param size a duration of whole milliseconds, or a size of the calendar
 * @throws MillraceError `INVALID_OPTION`
 * @example
 * tumbling('1m'); // 12:00:00.000 up to, but not with, 12:01:00.000
 * tumbling('1d', { timeZone: 'Europe/Berlin', offset: '6h' }); // from 6 o'clock to 6 o'clock
 */
export function tumbling(size: Duration, options: TumblingOptions = {}): Window<unknown> {
  const text = `tumbling(${JSON.stringify(size)})`;
  const offset = options.offset === undefined ? 0 : offsetOf(options.offset);
  const calendar = calendarOf(size, options.timeZone, offset);
  if (calendar !== null) return { text, kind: { type: 'aligned', intervals: calendar } };
  if (options.timeZone !== undefined)
    throw new MillraceError(
      'INVALID_OPTION',
      `Option timeZone of ${text} goes with sizes of the calendar only: '1d', '1w', '1mo', '1q', '1y' and multiples. Take one of these, or say by how much the window is moved with offset.`,
    );
  const milliseconds = millisecondsOf('size', size, { min: 1, whole: true });
  return { text, kind: { type: 'aligned', intervals: new FixedIntervals(milliseconds, milliseconds, offset) } };
}

function offsetOf(offset: Duration): number {
  return millisecondsOf('offset', offset, { min: -Infinity, whole: true });
}
