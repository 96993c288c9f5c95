import { type OperatorFunction, scan as plainScan } from 'rxjs';
import { fromCanonicalJson, toCanonicalJson } from '../../wal/canonical-json.js';
import { cloned } from '../plain-data.js';
import { Cells } from '../stateful/cells.js';
import { stateful } from '../stateful/stateful.js';

type Accumulator = (state: unknown, event: unknown, index: number) => unknown;

/**
 * RxJS's `scan`, whose state a mill keeps: emits the accumulated state after each event. Outside of a mill it is RxJS's own.
 *
 * In a pipeline the state must be what JSON can keep (also undefined, NaN, bigint, Date, bytes; not functions, Maps or Sets: use
 * arrays and plain objects); it comes back as plain data. It may be changed in place by the accumulator, by nobody else: what may
 * keep it, a table or an operator after it (`pairwise`, `withLatestFrom`, …), gets a copy. For one state for each key, see `fold`.
 *
 * @throws MillraceError `INVALID_ARGUMENT`, as an error of the stream, for a seed that cannot be saved
 * @example
 * payments.pipe(scan((total, { amount }) => total + amount, 0));
 */
export function scan<V, A = V>(accumulator: (acc: A | V, value: V, index: number) => A): OperatorFunction<V, V | A>;
export function scan<V, A>(accumulator: (acc: A, value: V, index: number) => A, seed: A): OperatorFunction<V, A>;
export function scan<V, A, S>(accumulator: (acc: A | S, value: V, index: number) => A, seed: S): OperatorFunction<V, A>;
export function scan(accumulator: Accumulator, ...seeds: [seed?: unknown]): OperatorFunction<unknown, unknown> {
  const [seed] = seeds;
  // A seed of undefined is one.
  const hasSeed = seeds.length > 0;
  return stateful<unknown, unknown>({
    name: 'scan',
    shape: { hasSeed },
    plain: hasSeed ? plainScan(accumulator, seed) : plainScan(accumulator),
    open: (home, rows) => {
      const cells = new Cells(home);
      const state = cells.cell<unknown>('state');
      const index = cells.cell<number>('index');
      // A copy: the accumulator may change it in place, and a pipeline may be run more than once.
      const first = hasSeed ? fromCanonicalJson(toCanonicalJson(seed)) : undefined;
      return {
        next: (event) => {
          const at = index.get() ?? 0;
          index.set(at + 1);
          if (state.isSet) state.set(accumulator(state.change(), event, at));
          else state.set(hasSeed ? accumulator(first, event, at) : cloned(event));
          const now = state.get();
          rows.next(home.isKeptAfter ? cloned(now) : now);
        },
      };
    },
  });
}
