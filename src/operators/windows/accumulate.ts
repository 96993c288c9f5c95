import type { Kept } from '../aggregates/aggregate.js';
import { notANumber } from '../aggregates/not-a-number.js';
import { compiled, literal } from '../generated-code.js';
import type { Layout } from './layout.js';
import { COUNT, FIRST_TIME, LAST_TIME, type Place } from './window-states.js';

/** Takes an event into a window. @throws MillraceError `INVALID_ARGUMENT` for a value that an aggregate cannot take. */
export type Accumulate = (place: Place, event: unknown, time: number) => void;

/** The code has a call of each accumulator where the general way has a loop over them: so they are inlined. */
export function accumulateOf(layout: Layout): Accumulate {
  return generated(layout) ?? general(layout);
}

function general({ columns, ofRow }: Layout): Accumulate {
  return (place, event, time) => {
    const { numbers, at } = place;
    numbers[at + COUNT]!++;
    if (time < numbers[at + FIRST_TIME]!) numbers[at + FIRST_TIME] = time;
    if (time > numbers[at + LAST_TIME]!) numbers[at + LAST_TIME] = time;
    for (const { column, kept } of columns) addValue(kept, place, (event as Record<string, unknown>)[column], time);
    for (const kept of ofRow) kept.accumulator.addAny!(place, kept, event, time);
  };
}

function addValue(all: readonly Kept[], place: Place, value: unknown, time: number): void {
  if (value === undefined || value === null) return;
  for (const kept of all) {
    const { add, addAny, column } = kept.accumulator;
    if (typeof value === 'number' && add !== null) add(place.numbers, place.at + kept.number, value, time);
    else if (addAny !== null) addAny(place, kept, value, time);
    else if (typeof value === 'bigint') add!(place.numbers, place.at + kept.number, Number(value), time);
    else throw notANumber(column!, value);
  }
}

function generated({ columns, ofRow }: Layout): Accumulate | null {
  const scope: Record<string, unknown> = { addValue, all: columns.map(({ kept }) => kept) };
  const perColumn = columns.map(({ column, kept }, at) => {
    const adds = kept.map((one, index) => {
      const { add, addAny } = one.accumulator;
      const name = `c${at}a${index}`;
      scope[name] = add ?? addAny;
      scope[`${name}kept`] = one;
      return add === null
        ? `${name}(place, ${name}kept, value, time);`
        : `${name}(numbers, at + ${one.number}, value, time);`;
    });
    return `
      value = event[${literal(column)}];
      if (typeof value === 'number') { ${adds.join(' ')} }
      else if (value !== undefined && value !== null) addValue(all[${at}], place, value, time);`;
  });
  const perRow = ofRow.map((kept, index) => {
    scope[`r${index}`] = kept.accumulator.addAny;
    scope[`r${index}kept`] = kept;
    return `r${index}(place, r${index}kept, event, time);`;
  });
  return compiled<Accumulate>(
    `return (place, event, time) => {
      const { numbers, at } = place;
      numbers[at + ${COUNT}]++;
      if (time < numbers[at + ${FIRST_TIME}]) numbers[at + ${FIRST_TIME}] = time;
      if (time > numbers[at + ${LAST_TIME}]) numbers[at + ${LAST_TIME}] = time;
      let value;
      ${perColumn.join('')}
      ${perRow.join(' ')}
    };`,
    scope,
  );
}

/** Whether two windows can become one. */
export function canMerge({ columns, ofRow }: Layout): boolean {
  return [...columns.flatMap(({ kept }) => kept), ...ofRow].every(({ accumulator }) => accumulator.merge !== null);
}

/** Takes everything that another window has into one. */
export function mergeInto(layout: Layout, into: Place, from: Place): void {
  const [a, b] = [into.at, from.at];
  into.numbers[a + COUNT]! += from.numbers[b + COUNT]!;
  into.numbers[a + FIRST_TIME] = Math.min(into.numbers[a + FIRST_TIME]!, from.numbers[b + FIRST_TIME]!);
  into.numbers[a + LAST_TIME] = Math.max(into.numbers[a + LAST_TIME]!, from.numbers[b + LAST_TIME]!);
  for (const { kept } of layout.columns) for (const one of kept) one.accumulator.merge!(into, from, one);
  for (const one of layout.ofRow) one.accumulator.merge!(into, from, one);
}
