import type { Place } from '../windows/window-states.js';
import type { Accumulator, Aggregate, Kept, ValueOf } from './aggregate.js';
import { isNone, nonNulls } from './non-nulls.js';
import { valueForm } from './object-form.js';

/**
 * The value of the earliest event that has one, whatever its type. Of events with equal times the one that arrived first. Null where
 * there is no value.
 */
export function first<C extends string>(column: C): Aggregate<C, unknown, ValueOf<C> | null> {
  return edge('first', column, Infinity, (time, kept) => time < kept);
}

/**
 * The value of the latest event that has one, whatever its type. Of events with equal times the one that arrived last. Null where
 * there is no value.
 *
 * @example
 * windowed(tumbling('1d', { timeZone: 'Europe/Berlin' }), { by: 'symbol', time: 'ts', aggregate: { open: first('price'), close: last('price') } })
 */
export function last<C extends string>(column: C): Aggregate<C, unknown, ValueOf<C> | null> {
  return edge('last', column, -Infinity, (time, kept) => time >= kept);
}

const TIME = 0;
const VALUE = 1;
const IS_OBJECT = 2;

function edge<C extends string>(
  id: string,
  column: C,
  never: number,
  isFurther: (time: number, kept: number) => boolean,
): Aggregate<C, unknown, ValueOf<C> | null> {
  return {
    text: `${id}(${column})`,
    gives: { type: { sameAs: column }, optional: true },
    accumulators: [nonNulls(column), edgeValue(id, column, never, isFurther)],
    reader:
      ([values, kept]) =>
      (place) => {
        if (isNone(place, values!)) return null;
        const at = place.at + kept!.number;
        return place.numbers[at + IS_OBJECT] === 1 ? place.object(kept!.object) : place.numbers[at + VALUE];
      },
  };
}

/** Three numbers: the time, the value where it is a number, and 1 where it is not and is the object. */
function edgeValue(
  id: string,
  column: string,
  never: number,
  isFurther: (time: number, kept: number) => boolean,
): Accumulator {
  const add = (numbers: Float64Array, at: number, value: number, time: number): void => {
    if (!isFurther(time, numbers[at + TIME]!)) return;
    numbers[at + TIME] = time;
    numbers[at + VALUE] = value;
    numbers[at + IS_OBJECT] = 0;
  };
  const addAny = (place: Place, { number, object }: Kept, value: unknown, time: number): void => {
    const at = place.at + number;
    if (!isFurther(time, place.numbers[at + TIME]!)) return;
    place.numbers[at + TIME] = time;
    place.numbers[at + IS_OBJECT] = 1;
    place.setObject(object, value);
  };
  return {
    id,
    column,
    numbers: [never, 0, 0],
    object: valueForm(`${id}(${column})`),
    add,
    addAny,
    merge: (into, from, kept) => {
      const at = from.at + kept.number;
      const time = from.numbers[at + TIME]!;
      if (time === never) return;
      if (from.numbers[at + IS_OBJECT] === 1) addAny(into, kept, from.object(kept.object), time);
      else add(into.numbers, into.at + kept.number, from.numbers[at + VALUE]!, time);
    },
  };
}
