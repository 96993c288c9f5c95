import { type Duration, millisecondsOf } from '../duration.js';
import type { Window } from './window.js';

/**
 * A window for each run of a key's events with less than `gap` between one and the next: `[start, end)` is from the first event to
 * `gap` after the last. An event that comes late may make two sessions one: a `reducer` then needs its `merge`.
 *
 * With `late: { correct }` a late event may move the bounds of a session whose row is out. That row is then emitted once more, with the
 * bounds it had, `count` 0, the aggregates of no events and a higher revision: nothing is there any more. The new one follows.
 *
 * @throws MillraceError `INVALID_OPTION`
 * @example
 * session('30m'); // visits
 */
export function session(gap: Duration): Window<unknown> {
  return { text: `session(${JSON.stringify(gap)})`, kind: { type: 'session', gap: millisecondsOf('gap', gap) } };
}
