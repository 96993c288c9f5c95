import fc from 'fast-check';
import { from } from 'rxjs';
import {
  type Aggregate,
  avg,
  count,
  countDistinct,
  first,
  last,
  max,
  min,
  quantile,
  rate,
  reducer,
  stddev,
  sum,
  timeWeightedAvg,
  tumbling,
  variance,
  windowed,
} from '../../../src/index.js';

type Row = { readonly ts: number; readonly v?: unknown };

/** What an aggregate of column v gives for values a second apart, or at the given times. */
function resultOf(
  aggregate: Aggregate<string, never, unknown, never>,
  values: readonly unknown[],
  times?: readonly number[],
): unknown {
  const results: unknown[] = [];
  const rows = values.map((v, at): Row => ({ ts: times?.[at] ?? at * 1000, v }));
  const result = aggregate as Aggregate<never, unknown, unknown>;
  // An event without the column, so that there is a window.
  from([...rows, { ts: 0 } as Row])
    .pipe(windowed(tumbling('1d'), { time: 'ts', lateness: '1d', aggregate: { result } }))
    .subscribe({ next: (row) => results.push(row.result), error: (error) => results.push(error.code) });
  expect(results).toHaveLength(1);
  return results[0];
}

const NaNs = Number.NaN;
const date = (ms: number): Date => new Date(ms);

describe('aggregates', () => {
  const nothing = [null, undefined];
  it.each([
    ['count', count('v'), 0],
    ['sum', sum('v'), null],
    ['avg', avg('v'), null],
    ['min', min('v'), null],
    ['max', max('v'), null],
    ['first', first('v'), null],
    ['last', last('v'), null],
    ['variance', variance('v'), null],
    ['stddev', stddev('v'), null],
    ['quantile', quantile('v', 0.5), null],
    ['countDistinct', countDistinct('v'), 0],
    ['timeWeightedAvg', timeWeightedAvg('v'), null],
    ['rate', rate('v'), null],
  ] as const)('%s of no value is what SQL says', (_name, aggregate, expected) => {
    expect(resultOf(aggregate, nothing)).toBe(expected);
  });

  it.each([
    ['count()', count(), [1, null, undefined], 4],
    ['count', count('v'), [1, null, undefined, 0, ''], 3],
    ['sum', sum('v'), [1, null, 2, undefined, 4.5], 7.5],
    ['sum of bigints and numbers', sum('v'), [1n, 2, 3n], 6],
    ['sum, compensated', sum('v'), [1, 1e100, 1, -1e100], 2],
    ['sum, compensated', sum('v'), Array.from({ length: 10 }, () => 0.1), 1],
    ['sum with NaN', sum('v'), [1, NaNs, 2], NaNs],
    ['sum with infinity', sum('v'), [1, Infinity, 2], Infinity],
    ['sum of opposite infinities', sum('v'), [Infinity, -Infinity], NaNs],
    ['avg', avg('v'), [1, null, 2, undefined, 6], 3],
    ['avg, compensated', avg('v'), [1e100, 1, -1e100, 2], 0.75],
    ['min', min('v'), [3, null, -2, 5], -2],
    ['max', max('v'), [3, null, -2, 5], 5],
    ['min with NaN', min('v'), [NaNs, 3, NaNs, 2], 2],
    ['min of NaN', min('v'), [NaNs], NaNs],
    ['max with NaN', max('v'), [1, NaNs, 3], NaNs],
    ['max of what is nothing else', max('v'), [-Infinity], -Infinity],
    ['min of infinity', min('v'), [Infinity], Infinity],
    ['min of strings', min('v'), ['b', 'a', null, 'c'], 'a'],
    ['max of bigints', max('v'), [1n, 2n ** 70n, 3n], 2n ** 70n],
    ['max of booleans', max('v'), [false, true], true],
    ['max of dates', max('v'), [date(5), date(9), date(7)], date(9)],
    ['first', first('v'), [null, 'x', 3], 'x'],
    ['last', last('v'), [1, { a: 1 }, null], { a: 1 }],
    ['last, of types in turn', last('v'), ['x', 1], 1],
    ['variance', variance('v'), [1, 2, 3, 4, null], 5 / 3],
    ['variance of one', variance('v'), [7], null],
    ['variance of a population', variance('v', { population: true }), [1, 2, 3, 4], 1.25],
    ['variance of a population of one', variance('v', { population: true }), [7], 0],
    ['variance far from 0', variance('v'), [1e9 + 1, 1e9 + 2, 1e9 + 3], 1],
    ['stddev', stddev('v'), [2, 4, 6], 2],
    ['countDistinct', countDistinct('v'), ['1', 1, 1n, true, NaNs, NaNs, 0, -0, null], 6],
    ['rate', rate('v'), [0, 10, null, 30], 10],
    ['rate of a counter that began again', rate('v'), [5, 10, 2, 4], 3],
    ['rate of one value', rate('v'), [5], null],
    ['timeWeightedAvg of one value', timeWeightedAvg('v'), [5], 5],
  ] as const)('%s', (_name, aggregate, values, expected) => {
    expect(resultOf(aggregate, values)).toEqual(expected);
  });

  it('go by the times, equal ones by arrival, not by the order in which events come', () => {
    const [values, times] = [
      [1, 2, 3, 4],
      [9, 5, 9, 5],
    ];
    expect(resultOf(first('v'), values, times)).toBe(2);
    expect(resultOf(last('v'), values, times)).toBe(3);
    // 2 and 4 at 5, 1 and 3 at 9.
    expect(resultOf(timeWeightedAvg('v'), values, times)).toBe(4);
    expect(resultOf(rate('v'), values, times)).toBe(((4 - 2 + 1 + (3 - 1)) / 4) * 1000);
    expect(resultOf(timeWeightedAvg('v'), [10, 0, 99], [0, 1000, 4000])).toBe(2.5);
    expect(resultOf(timeWeightedAvg('v'), [3, 8], [7, 7])).toBe(8);
    expect(resultOf(rate('v'), [3, 8], [7, 7])).toBe(null);
  });

  it('of one column share what they keep, and tell the same as alone', () => {
    const [row] = together([1, 5, null]);
    expect(row).toMatchObject({ mean: 3, total: 6, peak: 5, again: 3 });
  });

  it.each([
    ['sum of a string', sum('v'), ['1']],
    ['avg of a boolean', avg('v'), [true]],
    ['stddev of a date', stddev('v'), [date(1)]],
    ['quantile of a string', quantile('v', 0.5), ['1']],
    ['timeWeightedAvg of an object', timeWeightedAvg('v'), [{}]],
    ['countDistinct of an object', countDistinct('v'), [{}]],
    ['max of an object', max('v'), [{}]],
    ['max of numbers and strings', max('v'), [1, 'x']],
    ['a reducer that returns nothing', reducer({ init: () => 0, add: () => undefined as never, result: () => 0 }), [1]],
  ] as const)('refuse a %s', (_name, aggregate, values) => {
    expect(resultOf(aggregate, values)).toBe('INVALID_ARGUMENT');
  });
});

function together(values: readonly (number | null)[]): unknown[] {
  const rows: unknown[] = [];
  const aggregate = { mean: avg('v'), total: sum('v'), peak: max('v'), again: avg('v') };
  from(values.map((v, ts) => ({ ts, v })))
    .pipe(windowed(tumbling('1d'), { time: 'ts', aggregate }))
    .subscribe((row) => rows.push(row));
  return rows;
}

describe('quantile', () => {
  const numbers = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.integer({ min: -1000, max: 1000 }),
    fc.constantFrom(0, -0, Infinity, -Infinity, Number.MAX_VALUE, -Number.MAX_VALUE),
  );

  it('is within its bound of the value at its rank', () => {
    const values = fc.array(numbers, { minLength: 1, maxLength: 200, size: 'max' });
    const q = fc.oneof(fc.constantFrom(0, 0.5, 1), fc.double({ min: 0, max: 1, noNaN: true }));
    const accuracies = fc.constantFrom(0.01, 0.001, 0.1, 0.5, 0.0001);
    fc.assert(
      fc.property(values, q, accuracies, (all, rank, accuracy) => {
        const sorted = Float64Array.from(all).sort();
        const exact = sorted[Math.floor(rank * (all.length - 1))]!;
        const told = resultOf(quantile('v', rank, { accuracy }), all) as number;
        if (Number.isFinite(exact)) {
          // What is smaller than a normal float is 0; the last bits are rounding.
          const bound = Math.abs(exact) * accuracy * (1 + 1e-9) + 2 ** -1022;
          expect(Math.abs(told - exact)).toBeLessThanOrEqual(bound);
        } else expect(told).toBe(exact);
      }),
      { numRuns: 500 },
    );
  });

  it('takes NaN as more than every number', () => {
    expect(resultOf(quantile('v', 1), [1, NaNs, Infinity])).toBeNaN();
    expect(resultOf(quantile('v', 0.5), [1, NaNs, Infinity])).toBe(Infinity);
  });

  it('keeps one sketch for several of one column', () => {
    const layout = [quantile('v', 0.5), quantile('v', 0.99)].map(({ accumulators }) => accumulators[0]!.id);
    expect(new Set(layout).size).toBe(1);
  });
});
