import { type MonoTypeOperatorFunction, type ObservableInput, distinct as plainDistinct } from 'rxjs';
import { columnarCodec, type Numbers } from '../../snapshots/columnar-codec.js';
import type { StateKey } from '../../snapshots/state-key.js';
import { assertComparable } from '../stateful/comparable.js';
import { subscribeToSide } from '../stateful/side-input.js';
import { stateful } from '../stateful/stateful.js';

/**
 * RxJS's `distinct`, whose state a mill keeps: emits the events whose key (default: the event itself) did not come before, or not since
 * `flushes` last emitted. Outside of a mill it is RxJS's own.
 *
 * In a pipeline keys are strings, numbers, bigints, booleans, null or undefined: an object is not the same one after a restart.
 * Without `flushes` every key is kept forever: where repeats come soon, `dedupe` keeps the keys of some time only.
 *
 * @throws MillraceError `INVALID_ARGUMENT`, as an error of the stream, for another key in a pipeline
 * @example
 * orders.pipe(distinct(({ customer }) => customer)); // the first order of each customer
 */
export function distinct<T, K>(
  keySelector?: (value: T) => K,
  flushes?: ObservableInput<unknown>,
): MonoTypeOperatorFunction<T> {
  return stateful<T, T>({
    name: 'distinct',
    shape: { hasFlushes: Boolean(flushes) },
    plain: plainDistinct(keySelector, flushes),
    passesRows: true,
    open: (home, rows) => {
      const seen = home.keyed<StateKey, Numbers, Float64Array>('seen', columnarCodec(1));
      let isLoaded = false;
      home.whenLoaded(() => {
        isLoaded = true;
      });
      const flush = (): void => {
        // Before it is loaded: at the first start there would have been nothing to forget.
        if (isLoaded) for (const slot of seen.slots()) seen.remove(slot);
      };
      return {
        next: (event) => {
          const key = stateKeyOf(keySelector ? keySelector(event) : event);
          if (seen.has(key)) return;
          seen.claim(key);
          rows.next(event);
        },
        subscribed: () => {
          if (flushes) subscribeToSide(flushes, rows, { next: flush, complete: () => {} });
        },
      };
    },
  });
}

/** Tuples are free to stand for what is no key: keys of users are never tuples. */
function stateKeyOf(key: unknown): StateKey {
  assertComparable('distinct', key, 'Give it a key: distinct(({ device }) => device).');
  return key === null || key === undefined ? [String(key)] : (key as StateKey);
}
