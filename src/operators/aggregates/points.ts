import type { Place } from '../windows/window-states.js';
import type { Accumulator, Kept } from './aggregate.js';
import { notANumber } from './not-a-number.js';
import { LIST_FORM } from './object-form.js';

/**
 * The values of a column with their times, in the order of these, equal ones in order of arrival: `[time, value, time, value, …]`. For
 * what depends on neighbours: an event may still come between any two as long as the window takes some.
 */
export function points(column: string): Accumulator {
  return {
    id: 'points',
    column,
    numbers: [],
    object: LIST_FORM,
    add: null,
    addAny: (place, kept, value, time) => {
      if (typeof value !== 'number' && typeof value !== 'bigint') throw notANumber(column, value);
      insert(listOf(place, kept), time, Number(value));
    },
    merge: (into, from, kept) => {
      const list = listOf(into, kept);
      const more = pointsAt(from, kept);
      for (let at = 0; at < more.length; at += 2) insert(list, more[at]!, more[at + 1]!);
    },
  };
}

export function pointsAt(place: Place, { object }: Kept): readonly number[] {
  return (place.object(object) as number[] | undefined) ?? [];
}

function listOf(place: Place, { object }: Kept): number[] {
  let list = place.object(object) as number[] | undefined;
  if (list === undefined) place.setObject(object, (list = []));
  return list;
}

function insert(list: number[], time: number, value: number): void {
  if (list.length === 0 || list[list.length - 2]! <= time) {
    list.push(time, value);
    return;
  }
  let low = 0;
  for (let high = list.length >>> 1; low < high; ) {
    const middle = (low + high) >>> 1;
    if (list[middle * 2]! <= time) low = middle + 1;
    else high = middle;
  }
  list.splice(low * 2, 0, time, value);
}
