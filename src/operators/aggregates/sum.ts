import { type Aggregate, OPTIONAL_NUMBER } from './aggregate.js';
import { compensatedSum, sumAt } from './compensated-sum.js';
import { isNone, nonNulls } from './non-nulls.js';

/**
 * The sum of a column's numbers, compensated: rounding errors do not pile up. Null where there is no value; NaN where one is. Bigints
 * are taken as numbers: above 2⁵³ they are rounded.
 *
 * @example
 * windowed(tumbling('1h'), { by: 'account', time: 'at', aggregate: { turnover: sum('amount') } })
 */
export function sum<C extends string>(column: C): Aggregate<C, number | bigint, number | null> {
  return {
    text: `sum(${column})`,
    gives: OPTIONAL_NUMBER,
    accumulators: [nonNulls(column), compensatedSum(column)],
    reader:
      ([values, total]) =>
      (place) =>
        isNone(place, values!) ? null : sumAt(place, total!),
  };
}
