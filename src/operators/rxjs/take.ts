import { type MonoTypeOperatorFunction, take as plainTake } from 'rxjs';
import { Cells } from '../stateful/cells.js';
import { stateful } from '../stateful/stateful.js';

/**
 * RxJS's `take`, whose state a mill keeps: emits the first `count` events, then completes. Outside of a mill it is RxJS's own.
 *
 * In a pipeline these are the first ones ever, over all starts: a derived stream that is complete stays as it is.
 *
 * @example
 * alarms.pipe(take(1)); // the first alarm
 */
export function take<T>(count: number): MonoTypeOperatorFunction<T> {
  const plain = plainTake<T>(count);
  if (count <= 0) return plain;
  return stateful({
    name: 'take',
    shape: { count },
    plain,
    passesRows: true,
    open: (home, rows) => {
      const taken = new Cells(home).cell<number>('taken');
      home.whenLoaded(() => {
        if ((taken.get() ?? 0) >= count) rows.complete();
      });
      return {
        next: (event) => {
          const now = (taken.get() ?? 0) + 1;
          if (!(now <= count)) return;
          taken.set(now);
          rows.next(event);
          // Asked again: it may have been fed meanwhile.
          if (count <= taken.get()!) rows.complete();
        },
      };
    },
  });
}
