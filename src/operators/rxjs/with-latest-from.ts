import {
  type ObservableInput,
  type ObservableInputTuple,
  type OperatorFunction,
  withLatestFrom as plainWithLatestFrom,
} from 'rxjs';
import { LatestValues } from '../stateful/latest-values.js';
import { branchOf, subscribeFirst } from '../stateful/side-input.js';
import { stateful } from '../stateful/stateful.js';

type Project = (...values: unknown[]) => unknown;

/**
 * RxJS's `withLatestFrom`, whose state a mill keeps: emits each event together with the latest value of each other input, as soon as all
 * of them have given one. Outside of a mill it is RxJS's own.
 *
 * In a pipeline the inputs are streams of the mill, or what follows from them in the same turn; those of one turn are taken before its event. What an input gives when it is subscribed to,
 * such as `of(…)`, counts until it gives something else; that is not asked for again after a restart.
 *
 * @example
 * readings.pipe(
 *   withLatestFrom(limits),
 *   filter(([reading, { limit }]) => reading.temperature > limit),
 *   map(([reading]) => reading),
 * );
 */
export function withLatestFrom<T, O extends unknown[]>(
  ...inputs: [...ObservableInputTuple<O>]
): OperatorFunction<T, [T, ...O]>;
export function withLatestFrom<T, O extends unknown[], R>(
  ...inputs: [...ObservableInputTuple<O>, (...value: [T, ...O]) => R]
): OperatorFunction<T, R>;
export function withLatestFrom(...given: unknown[]): OperatorFunction<unknown, unknown> {
  const last = given.at(-1);
  const project = typeof last === 'function' ? (last as Project) : null;
  const inputs = (project === null ? given : given.slice(0, -1)) as ObservableInput<unknown>[];
  return stateful<unknown, unknown>({
    name: 'withLatestFrom',
    shape: { inputs: inputs.length },
    plain: plainWithLatestFrom(...(given as ObservableInput<unknown>[])),
    open: (home, rows) => {
      const latest = new LatestValues(home, inputs.length);
      const branch = branchOf(home);
      for (const [at, input] of inputs.entries())
        subscribeFirst(branch, input, rows, { next: (value) => latest.set(at, value), complete: () => {} });
      return {
        next: (event) => {
          if (!latest.isComplete) return;
          const values = [event, ...latest.values];
          rows.next(project === null ? values : project(...values));
        },
      };
    },
  });
}
