import { MillraceError } from '../../errors.js';
import { type Aggregate, NUMBER } from './aggregate.js';
import { SET_FORM } from './object-form.js';

/**
 * How many different values a column has, exactly: null and undefined are none, NaN is one, -0 is 0. It keeps each value of the window
 * once: where these may be many, count a coarser one.
 *
 * @throws MillraceError `INVALID_ARGUMENT`, as an error of the stream, for an object
 * @example
 * windowed(tumbling('1d'), { by: 'shop', time: 'at', aggregate: { customers: countDistinct('customer') } })
 */
export function countDistinct<C extends string>(column: C): Aggregate<C, string | number | bigint | boolean, number> {
  return {
    text: `countDistinct(${column})`,
    gives: NUMBER,
    accumulators: [
      {
        id: 'distinct',
        column,
        numbers: [],
        object: SET_FORM,
        add: null,
        addAny: (place, { object }, value) => {
          if (typeof value === 'object' || typeof value === 'function') throw notPlain(column);
          const values = place.object(object) as Set<unknown> | undefined;
          if (values === undefined) place.setObject(object, new Set([value]));
          else values.add(value);
        },
        merge: (into, from, { object }) => {
          const values = from.object(object) as Set<unknown> | undefined;
          const target = into.object(object) as Set<unknown> | undefined;
          if (target === undefined) into.setObject(object, values);
          else for (const value of values ?? []) target.add(value);
        },
      },
    ],
    reader:
      ([kept]) =>
      (place) =>
        (place.object(kept!.object) as Set<unknown> | undefined)?.size ?? 0,
  };
}

function notPlain(column: string): MillraceError {
  const message = `countDistinct(${column}) tells strings, numbers, bigints and booleans apart, not objects: make them one of these with map() before.`;
  return new MillraceError('INVALID_ARGUMENT', message, { column });
}
