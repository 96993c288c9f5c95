import { COUNT } from '../windows/window-states.js';
import { type Aggregate, NUMBER } from './aggregate.js';
import { nonNulls } from './non-nulls.js';

/**
 * How many events a window has; with a column: how many whose value there is neither null nor undefined. The former is also in every
 * window's row, as `count`.
 *
 * @example
 * windowed(tumbling('1m'), { by: 'device', time: 'ts', aggregate: { n: count(), notes: count('note') } })
 */
export function count(): Aggregate<never, unknown, number>;
export function count<C extends string>(column: C): Aggregate<C, unknown, number>;
export function count(column?: string): Aggregate<never, unknown, number> {
  if (column === undefined)
    return {
      text: 'count()',
      gives: NUMBER,
      accumulators: [],
      reader: () => (place) => place.numbers[place.at + COUNT]!,
    };
  return {
    text: `count(${column})`,
    gives: NUMBER,
    accumulators: [nonNulls(column)],
    reader:
      ([values]) =>
      ({ numbers, at }) =>
        numbers[at + values!.number]!,
  };
}
