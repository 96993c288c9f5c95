import {
  type Cons,
  type ObservableInput,
  type ObservableInputTuple,
  type OperatorFunction,
  combineLatestWith as plainCombineLatestWith,
} from 'rxjs';
import { LatestValues } from '../stateful/latest-values.js';
import { subscribeToSide } from '../stateful/side-input.js';
import { stateful } from '../stateful/stateful.js';

/**
 * RxJS's `combineLatestWith`, whose state a mill keeps: emits the latest values of all inputs whenever one of them gives a value, as
 * soon as all of them have given one. Outside of a mill it is RxJS's own.
 *
 * In a pipeline the inputs are streams of the mill, or what follows from them in the same turn; what the others give when they are subscribed
 * to counts as in `withLatestFrom`.
 *
 * @example
 * prices.pipe(combineLatestWith(rates), map(([{ ts, price }, { rate }]) => ({ ts, price: price * rate })));
 */
export function combineLatestWith<T, A extends readonly unknown[]>(
  ...otherSources: [...ObservableInputTuple<A>]
): OperatorFunction<T, Cons<T, A>> {
  const others = inputsOf(otherSources as readonly ObservableInput<unknown>[]);
  const inputs = others.length + 1;
  return stateful<T, Cons<T, A>>({
    name: 'combineLatestWith',
    shape: { inputs },
    plain: plainCombineLatestWith(...otherSources),
    open: (home, rows) => {
      const latest = new LatestValues(home, inputs);
      let active = inputs;
      const take = (input: number, value: unknown): void => {
        latest.set(input, value);
        if (latest.isComplete) rows.next(latest.values.slice() as unknown as Cons<T, A>);
      };
      const complete = (): void => {
        if (--active === 0) rows.complete();
      };
      return {
        next: (event) => take(0, event),
        complete,
        subscribed: () => {
          for (const [at, input] of others.entries())
            subscribeToSide(input, rows, { next: (value) => take(at + 1, value), complete });
        },
      };
    },
  });
}

/** RxJS takes a single array for the inputs themselves. */
function inputsOf(given: readonly ObservableInput<unknown>[]): readonly ObservableInput<unknown>[] {
  const [first] = given;
  return given.length === 1 && Array.isArray(first) ? first : given;
}
