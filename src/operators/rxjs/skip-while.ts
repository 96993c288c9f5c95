import { type Falsy, type MonoTypeOperatorFunction, type OperatorFunction, skipWhile as plainSkipWhile } from 'rxjs';
import { Cells } from '../stateful/cells.js';
import { stateful } from '../stateful/stateful.js';

/**
 * RxJS's `skipWhile`, whose state a mill keeps: emits events from the first one for which the predicate does not hold. Outside of a
 * mill it is RxJS's own. In a pipeline it begins once, not at each start.
 *
 * @example
 * readings.pipe(skipWhile(({ temperature }) => temperature < 40)); // once it is warm
 */
export function skipWhile<T>(
  predicate: BooleanConstructor,
): OperatorFunction<T, Extract<T, Falsy> extends never ? never : T>;
export function skipWhile<T>(predicate: (value: T, index: number) => true): OperatorFunction<T, never>;
export function skipWhile<T>(predicate: (value: T, index: number) => boolean): MonoTypeOperatorFunction<T>;
export function skipWhile<T>(predicate: (value: T, index: number) => boolean): MonoTypeOperatorFunction<T> {
  return stateful<T, T>({
    name: 'skipWhile',
    shape: {},
    plain: plainSkipWhile(predicate),
    passesRows: true,
    open: (home, rows) => {
      const cells = new Cells(home);
      const index = cells.cell<number>('index');
      const hasBegun = cells.cell<true>('hasBegun');
      return {
        next: (event) => {
          if (!hasBegun.isSet) {
            const at = index.get() ?? 0;
            index.set(at + 1);
            if (predicate(event, at)) return;
            hasBegun.set(true);
          }
          rows.next(event);
        },
      };
    },
  });
}
