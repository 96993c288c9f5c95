import { MillraceError } from '../../errors.js';
import type { Place } from '../windows/window-states.js';
import type { Accumulator, Aggregate, Kept, ValueOf } from './aggregate.js';
import { isNone, nonNulls } from './non-nulls.js';
import { valueForm } from './object-form.js';

/** What has an order. Strings are compared by their UTF-16 units, dates by their time. */
export type Ordered = number | bigint | string | boolean | Date;

/**
 * The least of a column's values. Null where there is none. NaN is more than every number, as in SQL: it is the least only where
 * there is nothing else. The values of a column have one type.
 *
 * @throws MillraceError `INVALID_ARGUMENT`, as an error of the stream, where numbers and others meet in one window
 */
export function min<C extends string>(column: C): Aggregate<C, Ordered, ValueOf<C> | null> {
  return extreme(`min(${column})`, least(column), column);
}

/**
 * The greatest of a column's values. Null where there is none. NaN is more than every number, as in SQL. The values of a column
 * have one type.
 *
 * @throws MillraceError `INVALID_ARGUMENT`, as an error of the stream, where numbers and others meet in one window
 * @example
 * windowed(tumbling('1m'), { by: 'device', time: 'ts', aggregate: { peak: max('temperature') } })
 */
export function max<C extends string>(column: C): Aggregate<C, Ordered, ValueOf<C> | null> {
  return extreme(`max(${column})`, greatest(column), column);
}

/** Two numbers: the extreme of the numbers, and how many there were; an object: the extreme of everything else. */
function extreme<C extends string>(
  text: string,
  accumulator: Accumulator,
  column: C,
): Aggregate<C, Ordered, ValueOf<C> | null> {
  return {
    text,
    gives: { type: { sameAs: column }, optional: true },
    accumulators: [nonNulls(column), accumulator],
    reader:
      ([values, kept]) =>
      (place) => {
        if (isNone(place, values!)) return null;
        const other = place.object(kept!.object);
        if (other === undefined) return place.numbers[place.at + kept!.number];
        if (Object.is(place.numbers[place.at + kept!.number], accumulator.numbers[0])) return other;
        const message = `${text} found numbers and ${typeof other}s in one window: make them one type with map() before.`;
        throw new MillraceError('INVALID_ARGUMENT', message, { column });
      },
  };
}

function greatest(column: string): Accumulator {
  const add = (numbers: Float64Array, at: number, value: number): void => {
    if (value > numbers[at]! || Number.isNaN(value)) numbers[at] = value;
  };
  return accumulatorOf('max', column, -Infinity, add, (value, kept) => value > kept);
}

function least(column: string): Accumulator {
  // NaN stands for nothing too: whatever comes is not more.
  const add = (numbers: Float64Array, at: number, value: number): void => {
    if (value < numbers[at]! || Number.isNaN(numbers[at]!)) numbers[at] = value;
  };
  return accumulatorOf('min', column, Number.NaN, add, (value, kept) => value < kept);
}

function accumulatorOf(
  id: string,
  column: string,
  nothing: number,
  add: (numbers: Float64Array, at: number, value: number) => void,
  isBeyond: (value: Ordered, kept: Ordered) => boolean,
): Accumulator {
  const addAny = (place: Place, { object }: Kept, value: unknown): void => {
    if (typeof value === 'object' && !(value instanceof Date)) throw notOrdered(id, column);
    const kept = place.object(object);
    if (kept === undefined || isBeyond(value as Ordered, kept as Ordered)) place.setObject(object, value);
  };
  return {
    id,
    column,
    numbers: [nothing],
    object: valueForm(`${id}(${column})`),
    add,
    addAny,
    merge: (into, from, kept) => {
      add(into.numbers, into.at + kept.number, from.numbers[from.at + kept.number]!);
      const other = from.object(kept.object);
      if (other !== undefined) addAny(into, kept, other);
    },
  };
}

function notOrdered(id: string, column: string): MillraceError {
  const message = `${id}(${column}): an object has no order. Take a column of numbers, strings or dates, or make one with map() before.`;
  return new MillraceError('INVALID_ARGUMENT', message, { column });
}
