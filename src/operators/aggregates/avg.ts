import { type Aggregate, OPTIONAL_NUMBER } from './aggregate.js';
import { compensatedSum, sumAt } from './compensated-sum.js';
import { isNone, nonNulls } from './non-nulls.js';

/**
 * The mean of a column's numbers, from a compensated sum. Null where there is no value; NaN where one is.
 *
 * @example
 * windowed(tumbling('1m'), { by: 'device', time: 'ts', aggregate: { mean: avg('temperature') } })
 */
export function avg<C extends string>(column: C): Aggregate<C, number | bigint, number | null> {
  return {
    text: `avg(${column})`,
    gives: OPTIONAL_NUMBER,
    accumulators: [nonNulls(column), compensatedSum(column)],
    reader:
      ([values, total]) =>
      (place) =>
        isNone(place, values!) ? null : sumAt(place, total!) / place.numbers[place.at + values!.number]!,
  };
}
