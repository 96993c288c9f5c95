import { type OperatorFunction, startWith as plainStartWith, type SchedulerLike, type ValueFromArray } from 'rxjs';
import { MillraceError } from '../../errors.js';
import { Cells } from '../stateful/cells.js';
import { isSideInput } from '../stateful/side-input.js';
import { stateful } from '../stateful/stateful.js';

/**
 * RxJS's `startWith`, whose state a mill keeps: emits these values before the first event. Outside of a mill it is RxJS's own.
 *
 * In a pipeline a row has the position of the event that caused it, so that the values come once ever, in the turn of the first event
 * that the source gives; a source that completes without one gives none. In an input of `withLatestFrom` or `combineLatestWith`, from
 * whose values alone no row follows, they are there from the beginning.
 *
 * @throws MillraceError `INVALID_ARGUMENT`, as an error of the stream, for a scheduler in a pipeline
 * @example
 * readings.pipe(withLatestFrom(limits.pipe(startWith({ limit: 80 }))));
 */
export function startWith<T>(value: null): OperatorFunction<T, T | null>;
export function startWith<T>(value: undefined): OperatorFunction<T, T | undefined>;
/** @deprecated As in RxJS: use `scheduled` and `concatAll`; in a pipeline of a mill there is no scheduler. */
export function startWith<T, A extends readonly unknown[] = T[]>(
  ...valuesAndScheduler: [...A, SchedulerLike]
): OperatorFunction<T, T | ValueFromArray<A>>;
export function startWith<T, A extends readonly unknown[] = T[]>(
  ...values: A
): OperatorFunction<T, T | ValueFromArray<A>>;
export function startWith(...values: unknown[]): OperatorFunction<unknown, unknown> {
  return stateful<unknown, unknown>({
    name: 'startWith',
    shape: { values: values.length },
    plain: plainStartWith(...values),
    open: (home, rows) => {
      if (isScheduler(values.at(-1)))
        throw new MillraceError('INVALID_ARGUMENT', 'startWith takes no scheduler in a pipeline of a mill.');
      const hasStarted = new Cells(home).cell<true>('hasStarted');
      const start = (): void => {
        if (hasStarted.isSet) return;
        hasStarted.set(true);
        for (const value of values) rows.next(value);
      };
      if (isSideInput()) home.whenLoaded(start);
      return {
        next: (event) => {
          start();
          rows.next(event);
        },
      };
    },
  });
}

function isScheduler(value: unknown): boolean {
  return typeof (value as Partial<SchedulerLike> | null | undefined)?.schedule === 'function';
}
