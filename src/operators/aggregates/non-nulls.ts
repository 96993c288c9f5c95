import type { Accumulator, Kept } from './aggregate.js';

/** How many values of a column were neither null nor undefined. */
export function nonNulls(column: string): Accumulator {
  return {
    id: 'values',
    column,
    numbers: [0],
    object: null,
    add,
    addAny: (place, { number }) => {
      place.numbers[place.at + number]!++;
    },
    merge: (into, from, { number }) => {
      into.numbers[into.at + number]! += from.numbers[from.at + number]!;
    },
  };
}

function add(numbers: Float64Array, at: number): void {
  numbers[at]!++;
}

/** Whether a window has none. */
export function isNone(place: { readonly numbers: Float64Array; readonly at: number }, { number }: Kept): boolean {
  return place.numbers[place.at + number] === 0;
}
