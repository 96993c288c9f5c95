import { MillraceError } from '../../errors.js';
import type { Window } from './window.js';

/**
 * A window from an event for which `start` is true to the next one, or the same, for which `end` is true, with both, for each key, in
 * order of the events' times. Inside a window `start` is not asked, outside `end` is not. A window's `start` and `end` are the times of
 * these two; when the source completes, its last event ends it.
 *
 * Events wait until the watermark has passed them, so that their order is that of their times: what is late is out, and cannot be
 * corrected.
 *
 * @throws MillraceError `INVALID_OPTION`
 * @example
 * readings.pipe(
 *   windowed(
 *     eventWindow((r) => r.temperature > 90, (r) => r.temperature < 80),
 *     { by: 'device', time: 'ts', aggregate: { peak: max('temperature') } },
 *   ),
 * );
 */
export function eventWindow<T>(start: (event: T) => boolean, end: (event: T) => boolean): Window<T> {
  if (typeof start !== 'function' || typeof end !== 'function')
    throw new MillraceError(
      'INVALID_OPTION',
      'eventWindow takes two functions: which event starts a window, which one ends it.',
    );
  return { text: 'eventWindow()', kind: { type: 'event', start, end } };
}
