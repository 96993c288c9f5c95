import {
  type MonoTypeOperatorFunction,
  distinctUntilChanged as plainDistinctUntilChanged,
  distinctUntilKeyChanged as plainDistinctUntilKeyChanged,
  type Subscriber,
} from 'rxjs';
import type { OperatorHome } from '../pipeline-scope.js';
import { Cells } from '../stateful/cells.js';
import { assertComparable } from '../stateful/comparable.js';
import { type Opened, stateful } from '../stateful/stateful.js';

/**
 * RxJS's `distinctUntilChanged`, whose state a mill keeps: emits the events whose key (default: the event itself) is not that of
 * the last one that was emitted. Outside of a mill it is RxJS's own.
 *
 * In a pipeline keys that are objects need a comparator: an object is not the same one after a restart.
 *
 * @throws MillraceError `INVALID_ARGUMENT`, as an error of the stream, for an object without a comparator in a pipeline
 * @example
 * states.pipe(distinctUntilChanged((a, b) => a.status === b.status));
 */
export function distinctUntilChanged<T>(comparator?: (previous: T, current: T) => boolean): MonoTypeOperatorFunction<T>;
export function distinctUntilChanged<T, K>(
  comparator: (previous: K, current: K) => boolean,
  keySelector: (value: T) => K,
): MonoTypeOperatorFunction<T>;
export function distinctUntilChanged<T>(
  comparator?: (previous: unknown, current: unknown) => boolean,
  keySelector: (value: T) => unknown = (value) => value,
): MonoTypeOperatorFunction<T> {
  // null is allowed too, as in RxJS.
  const isSame = comparator ?? sameOf('distinctUntilChanged', '(a, b) => a.status === b.status');
  return stateful<T, T>({
    name: 'distinctUntilChanged',
    shape: {},
    plain: plainDistinctUntilChanged(comparator!, keySelector),
    passesRows: true,
    open: (home, rows) => opened(home, rows, isSame, keySelector),
  });
}

/**
 * RxJS's `distinctUntilKeyChanged`, whose state a mill keeps: emits the events whose column is not as in the last one that was
 * emitted. Outside of a mill it is RxJS's own.
 *
 * @throws MillraceError `INVALID_ARGUMENT`, as an error of the stream, for an object without `compare` in a pipeline
 * @example
 * states.pipe(distinctUntilKeyChanged('status'));
 */
export function distinctUntilKeyChanged<T>(key: keyof T): MonoTypeOperatorFunction<T>;
export function distinctUntilKeyChanged<T, K extends keyof T>(
  key: K,
  compare: (x: T[K], y: T[K]) => boolean,
): MonoTypeOperatorFunction<T>;
export function distinctUntilKeyChanged<T, K extends keyof T>(
  key: K,
  compare?: (x: T[K], y: T[K]) => boolean,
): MonoTypeOperatorFunction<T> {
  const isSame =
    compare ?? sameOf('distinctUntilKeyChanged', `${JSON.stringify(String(key))}, (x, y) => x.id === y.id`);
  return stateful<T, T>({
    name: 'distinctUntilKeyChanged',
    shape: { key: String(key) },
    plain: plainDistinctUntilKeyChanged(key, compare!),
    passesRows: true,
    open: (home, rows) => opened(home, rows, isSame as (x: unknown, y: unknown) => boolean, (event) => event[key]),
  });
}

function opened<T>(
  home: OperatorHome,
  rows: Subscriber<T>,
  isSame: (previous: unknown, current: unknown) => boolean,
  keyOf: (event: T) => unknown,
): Opened<T> {
  const last = new Cells(home).cell<unknown>('last');
  return {
    next: (event) => {
      const key = keyOf(event);
      if (last.isSet && isSame(last.get(), key)) return;
      last.set(key);
      rows.next(event);
    },
  };
}

function sameOf(operator: string, example: string): (previous: unknown, current: unknown) => boolean {
  return (previous, current) => {
    assertComparable(operator, current, `Say when two are the same: ${operator}(${example}).`);
    return previous === current;
  };
}
