import type { Place } from '../windows/window-states.js';
import { type Accumulator, type Aggregate, type Kept, OPTIONAL_NUMBER } from './aggregate.js';

export interface DeviationOptions {
  /** The values are all there are (divided by n), and not a sample of them (by n − 1). Default false, as in SQL. */
  readonly population?: boolean;
}

/**
 * The variance of a column's numbers: of a sample (n − 1) unless it is said otherwise. Null where there are fewer than two values,
 * or none of a population. It is kept as mean and squared differences, so that values far from 0 lose nothing (Welford).
 */
export function variance<C extends string>(
  column: C,
  { population = false }: DeviationOptions = {},
): Aggregate<C, number | bigint, number | null> {
  return {
    text: textOf('variance', column, population),
    gives: OPTIONAL_NUMBER,
    accumulators: [moments(column)],
    reader:
      ([kept]) =>
      (place) =>
        varianceAt(place, kept!, population),
  };
}

/**
 * The standard deviation of a column's numbers: the square root of their `variance`, in the unit of the column.
 *
 * @example
 * windowed(hopping('5m', '1m'), { by: 'device', time: 'ts', aggregate: { spread: stddev('temperature') } })
 */
export function stddev<C extends string>(
  column: C,
  { population = false }: DeviationOptions = {},
): Aggregate<C, number | bigint, number | null> {
  return {
    text: textOf('stddev', column, population),
    gives: OPTIONAL_NUMBER,
    accumulators: [moments(column)],
    reader:
      ([kept]) =>
      (place) => {
        const squared = varianceAt(place, kept!, population);
        return squared === null ? null : Math.sqrt(squared);
      },
  };
}

function textOf(name: string, column: string, population: boolean): string {
  return `${name}(${column}${population ? ', { population: true }' : ''})`;
}

function varianceAt({ numbers, at }: Place, { number }: Kept, population: boolean): number | null {
  const divisor = numbers[at + number]! - (population ? 0 : 1);
  return divisor > 0 ? numbers[at + number + 2]! / divisor : null;
}

/** Three numbers: how many, their mean, the sum of their squared differences from it. */
function moments(column: string): Accumulator {
  return {
    id: 'moments',
    column,
    numbers: [0, 0, 0],
    object: null,
    add: (numbers, at, value) => {
      const count = ++numbers[at]!;
      const delta = value - numbers[at + 1]!;
      const mean = numbers[at + 1]! + delta / count;
      numbers[at + 1] = mean;
      numbers[at + 2]! += delta * (value - mean);
    },
    addAny: null,
    // Chan, Golub, LeVeque.
    merge: (into, from, { number }) => {
      const [a, b] = [into.at + number, from.at + number];
      const [countA, countB] = [into.numbers[a]!, from.numbers[b]!];
      if (countB === 0) return;
      const count = countA + countB;
      const delta = from.numbers[b + 1]! - into.numbers[a + 1]!;
      into.numbers[a] = count;
      into.numbers[a + 1]! += (delta * countB) / count;
      into.numbers[a + 2]! += from.numbers[b + 2]! + (delta * delta * countA * countB) / count;
    },
  };
}
