import type { Place } from '../windows/window-states.js';
import type { Accumulator, Kept } from './aggregate.js';

/**
 * A sum that keeps what rounding takes from it (Neumaier): its error is that of one rounding, as long as the sum of the amounts
 * stays below 2⁵³ times what is left of it. Two numbers: the sum, and what it lost.
 */
export function compensatedSum(column: string): Accumulator {
  return {
    id: 'sum',
    column,
    numbers: [0, 0],
    object: null,
    add,
    addAny: null,
    merge: (into, from, { number }) => {
      add(into.numbers, into.at + number, from.numbers[from.at + number]!);
      into.numbers[into.at + number + 1]! += from.numbers[from.at + number + 1]!;
    },
  };
}

function add(numbers: Float64Array, at: number, value: number): void {
  const sum = numbers[at]!;
  const next = sum + value;
  // Its larger one is what the sum kept in full.
  numbers[at + 1]! += Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum;
  numbers[at] = next;
}

export function sumAt({ numbers, at }: Place, { number }: Kept): number {
  const sum = numbers[at + number]!;
  // What an infinite sum lost is not a number.
  return Number.isFinite(sum) ? sum + numbers[at + number + 1]! : sum;
}
