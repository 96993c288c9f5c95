import { type OperatorFunction, pairwise as plainPairwise } from 'rxjs';
import { Cells } from '../stateful/cells.js';
import { stateful } from '../stateful/stateful.js';

/**
 * RxJS's `pairwise`, whose state a mill keeps: emits each event together with the one before it. Outside of a mill it is RxJS's own.
 *
 * @example
 * readings.pipe(
 *   pairwise(),
 *   map(([before, now]) => ({ ts: now.ts, change: now.temperature - before.temperature })),
 * );
 */
export function pairwise<T>(): OperatorFunction<T, [T, T]> {
  return stateful({
    name: 'pairwise',
    shape: {},
    plain: plainPairwise<T>(),
    open: (home, rows) => {
      const last = new Cells(home).cell<T>('last');
      return {
        next: (event) => {
          const { isSet } = last;
          const before = last.get() as T;
          last.set(event);
          if (isSet) rows.next([before, event]);
        },
      };
    },
  });
}
