import { type Aggregate, OPTIONAL_NUMBER } from './aggregate.js';
import { points, pointsAt } from './points.js';

/**
 * By how much a counter rises per second, from the first to the last value of the window. Where a value is less than the one before,
 * the counter began again at 0. Null where the values have not two different times. It keeps the values of the window, as a late one
 * may come between any two.
 *
 * @example
 * windowed(tumbling('1m'), { by: 'port', time: 'ts', aggregate: { bytesPerSecond: rate('bytes') } })
 */
export function rate<C extends string>(column: C): Aggregate<C, number | bigint, number | null> {
  return {
    text: `rate(${column})`,
    gives: OPTIONAL_NUMBER,
    accumulators: [points(column)],
    reader:
      ([kept]) =>
      (place) =>
        risePerSecond(pointsAt(place, kept!)),
  };
}

function risePerSecond(list: readonly number[]): number | null {
  const duration = list.length === 0 ? 0 : list.at(-2)! - list[0]!;
  if (duration === 0) return null;
  let rise = 0;
  for (let at = 3; at < list.length; at += 2) {
    const [before, now] = [list[at - 2]!, list[at]!];
    rise += now < before ? now : now - before;
  }
  return (rise / duration) * 1000;
}
