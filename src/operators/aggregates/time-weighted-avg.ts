import { type Aggregate, OPTIONAL_NUMBER } from './aggregate.js';
import { points, pointsAt } from './points.js';

/**
 * The mean of a column's numbers, each weighted with the time until the next one (the last observation is carried forward), from the
 * first to the last value of the window; what was before and comes after is not in it. Where all have one time, the last of them.
 * Null where there is no value. It keeps the values of the window, as a late one may come between any two.
 *
 * @example
 * windowed(tumbling('1h'), { by: 'tank', time: 'ts', aggregate: { level: timeWeightedAvg('level') } })
 */
export function timeWeightedAvg<C extends string>(column: C): Aggregate<C, number | bigint, number | null> {
  return {
    text: `timeWeightedAvg(${column})`,
    gives: OPTIONAL_NUMBER,
    accumulators: [points(column)],
    reader:
      ([kept]) =>
      (place) =>
        meanOverTime(pointsAt(place, kept!)),
  };
}

function meanOverTime(list: readonly number[]): number | null {
  if (list.length === 0) return null;
  const duration = list.at(-2)! - list[0]!;
  if (duration === 0) return list.at(-1)!;
  let area = 0;
  for (let at = 2; at < list.length; at += 2) {
    const lasted = list[at]! - list[at - 2]!;
    // An infinite value that lasted no time weighs nothing.
    if (lasted > 0) area += list[at - 1]! * lasted;
  }
  return area / duration;
}
