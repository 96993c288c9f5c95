import { MillraceError } from '../../errors.js';
import type { Window } from './window.js';

export type State = string | number | bigint | boolean;

/**
 * A window for each run of a key's events, in order of their times, with the same state: `[start, end)` is from the first event to
 * the one with another state. The selector's values are compared as by a `Map`; events where it gives null or undefined are in no
 * window and end none. When the source completes, a window ends with its last event.
 *
 * Events wait until the watermark has passed them, so that their order is that of their times: what is late is out, and cannot be
 * corrected.
 *
 * @throws MillraceError `INVALID_OPTION`; as an error of the stream `INVALID_ARGUMENT`, where the state is an object
 * @example
 * machines.pipe(windowed(stateWindow((m) => m.status), { by: 'machine', time: 'ts', aggregate: { status: first('status') } }));
 */
export function stateWindow<T>(selector: (event: T) => State | null | undefined): Window<T> {
  if (typeof selector !== 'function')
    throw new MillraceError(
      'INVALID_OPTION',
      `stateWindow takes a function that gives an event's state, not ${typeof selector}.`,
    );
  return { text: 'stateWindow()', kind: { type: 'state', selector } };
}
