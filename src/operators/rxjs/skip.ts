import { type MonoTypeOperatorFunction, skip as plainSkip } from 'rxjs';
import { Cells } from '../stateful/cells.js';
import { stateful } from '../stateful/stateful.js';

/**
 * RxJS's `skip`, whose state a mill keeps: emits events after the first `count`. Outside of a mill it is RxJS's own. In a pipeline
 * these are the first ones ever, not those of each start.
 *
 * @example
 * readings.pipe(skip(100)); // without those of the warm-up
 */
export function skip<T>(count: number): MonoTypeOperatorFunction<T> {
  return stateful<T, T>({
    name: 'skip',
    shape: { count },
    plain: plainSkip(count),
    passesRows: true,
    open: (home, rows) => {
      const skipped = new Cells(home).cell<number>('skipped');
      return {
        next: (event) => {
          const before = skipped.get() ?? 0;
          if (count <= before) rows.next(event);
          else skipped.set(before + 1);
        },
      };
    },
  });
}
