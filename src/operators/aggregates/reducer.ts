import { MillraceError } from '../../errors.js';
import { cloned } from '../plain-data.js';
import type { Accumulator, Aggregate } from './aggregate.js';
import { dataForm } from './object-form.js';

export interface ReducerOptions<T, S, R> {
  /** The state of a window without events. */
  init(): S;
  /**
   * The state with one more event, in order of arrival. It may change the state in place, but has to return it. A state is plain data:
   * objects, arrays, strings, numbers, bigints, booleans, dates, null.
   */
  add(state: S, event: T): S;
  /** The state of two windows that have become one: sessions that late events join need it. */
  merge?(state: S, other: S): S;
  /** What the row says. Must not change the state. */
  result(state: S): R;
}

/**
 * An aggregate of one's own.
 *
 * @throws MillraceError `INVALID_OPTION`; as an error of the stream `INVALID_ARGUMENT`, where `add` or `merge` returns nothing
 * @example
 * const longest = reducer({
 *   init: () => '',
 *   add: (longest, { note }: { note: string }) => (note.length > longest.length ? note : longest),
 *   merge: (a, b) => (b.length > a.length ? b : a),
 *   result: (longest) => longest,
 * });
 */
export function reducer<T, S, R>(options: ReducerOptions<T, S, R>): Aggregate<never, unknown, R, T> {
  for (const name of ['init', 'add', 'result'] as const)
    if (typeof options?.[name] !== 'function')
      throw new MillraceError('INVALID_OPTION', `Option ${name} of reducer must be a function.`);
  return {
    text: 'reducer()',
    gives: { type: 'json', optional: true },
    accumulators: [stateOf(options)],
    reader: ([kept]) => {
      return (place) => {
        const state = place.object(kept!.object) as S | undefined;
        // A copy: the row may be kept, while a window that may still be corrected goes on changing its state in place.
        return cloned(options.result(state === undefined ? options.init() : state));
      };
    },
  };
}

function stateOf<T, S, R>(options: ReducerOptions<T, S, R>): Accumulator {
  return {
    id: 'reducer',
    column: null,
    numbers: [],
    object: dataForm('reducer()'),
    add: null,
    addAny: (place, { object }, event) => {
      const state = place.object(object) as S | undefined;
      place.setObject(object, returned('add', options.add(state === undefined ? options.init() : state, event as T)));
    },
    merge:
      options.merge === undefined
        ? null
        : (into, from, { object }) => {
            const [a, b] = [into.object(object) as S, from.object(object) as S];
            into.setObject(object, returned('merge', options.merge!(a, b)));
          },
  };
}

function returned<S>(name: string, state: S): S {
  if (state !== undefined) return state;
  throw new MillraceError(
    'INVALID_ARGUMENT',
    `The ${name} of a reducer returned undefined: it has to return the state.`,
  );
}
