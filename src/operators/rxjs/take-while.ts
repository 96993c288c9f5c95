import {
  type MonoTypeOperatorFunction,
  type OperatorFunction,
  takeWhile as plainTakeWhile,
  type TruthyTypesOf,
} from 'rxjs';
import { Cells } from '../stateful/cells.js';
import { stateful } from '../stateful/stateful.js';

/**
 * RxJS's `takeWhile`, whose state a mill keeps: emits events up to the first one for which the predicate does not hold (with that one
 * where `inclusive`), then completes. Outside of a mill it is RxJS's own. In a pipeline it stays complete over all starts.
 *
 * @example
 * readings.pipe(takeWhile(({ temperature }) => temperature < 90, true)); // up to the first that is too hot
 */
export function takeWhile<T>(predicate: BooleanConstructor, inclusive: true): MonoTypeOperatorFunction<T>;
export function takeWhile<T>(predicate: BooleanConstructor, inclusive: false): OperatorFunction<T, TruthyTypesOf<T>>;
export function takeWhile<T>(predicate: BooleanConstructor): OperatorFunction<T, TruthyTypesOf<T>>;
export function takeWhile<T, S extends T>(predicate: (value: T, index: number) => value is S): OperatorFunction<T, S>;
export function takeWhile<T, S extends T>(
  predicate: (value: T, index: number) => value is S,
  inclusive: false,
): OperatorFunction<T, S>;
export function takeWhile<T>(
  predicate: (value: T, index: number) => boolean,
  inclusive?: boolean,
): MonoTypeOperatorFunction<T>;
export function takeWhile<T>(
  predicate: (value: T, index: number) => boolean,
  inclusive = false,
): MonoTypeOperatorFunction<T> {
  return stateful<T, T>({
    name: 'takeWhile',
    shape: { inclusive },
    plain: plainTakeWhile(predicate, inclusive),
    passesRows: true,
    open: (home, rows) => {
      const cells = new Cells(home);
      const index = cells.cell<number>('index');
      const isOver = cells.cell<true>('isOver');
      home.whenLoaded(() => {
        if (isOver.isSet) rows.complete();
      });
      return {
        next: (event) => {
          const at = index.get() ?? 0;
          index.set(at + 1);
          const isTaken = predicate(event, at);
          if (!isTaken) isOver.set(true);
          if (isTaken || inclusive) rows.next(event);
          if (!isTaken) rows.complete();
        },
      };
    },
  });
}
