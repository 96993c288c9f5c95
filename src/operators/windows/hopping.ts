import { MillraceError } from '../../errors.js';
import { type Duration, millisecondsOf } from '../duration.js';
import { isVarying } from './calendar.js';
import { FixedIntervals } from './intervals.js';
import type { Window } from './window.js';

/** Each event is taken that often. */
const OVERLAP_MAX = 100_000;

/**
 * Windows of one size that overlap: one begins every `every`, and an event is in each `[start, end)` that has its time. They are
 * counted from 1970-01-01, 0:00 UTC. Each window is computed on its own, so an event costs `size / every` times that of a tumbling
 * window.
 *
 * @param size a duration of whole milliseconds
 * @param every the same, not longer than `size`
 * @throws MillraceError `INVALID_OPTION`
 * @example
 * hopping('5m', '1m'); // each minute, over the last five
 */
export function hopping(size: Duration, every: Duration): Window<unknown> {
  const text = `hopping(${JSON.stringify(size)}, ${JSON.stringify(every)})`;
  for (const duration of [size, every])
    if (isVarying(duration))
      throw new MillraceError('INVALID_OPTION', `${text}: months, quarters and years differ in length. Take days.`);
  const [length, hop] = [
    millisecondsOf('size', size, { min: 1, whole: true }),
    millisecondsOf('every', every, { min: 1, whole: true }),
  ];
  if (hop > length)
    throw new MillraceError('INVALID_OPTION', `${text} would miss events: every must not be longer than size.`);
  if (length / hop > OVERLAP_MAX)
    throw new MillraceError(
      'INVALID_OPTION',
      `${text} puts an event into more than ${OVERLAP_MAX} windows: raise every.`,
    );
  return { text, kind: { type: 'aligned', intervals: new FixedIntervals(length, hop, 0) } };
}
