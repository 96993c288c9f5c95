import type { DescribedColumn } from '../row-description.js';
import type { Place } from '../windows/window-states.js';
import type { ObjectForm } from './object-form.js';

/**
 * One thing that is kept of the events of a window: a count, a sum, a sketch. Aggregates are made of these, and share them: `avg` and
 * `sum` of one column keep one sum. It has some numbers side by side with those of the others, and places for objects where numbers
 * do not do. What it keeps is a function of the events, their times and their order of arrival, and of nothing else.
 */
export interface Accumulator {
  /** Two with the same id and the same column keep the same; two that take the row never do. */
  readonly id: string;
  /** Whose value it takes, where that is not null or undefined; `null`: it takes the row. */
  readonly column: string | null;
  /** What its numbers are at first. */
  readonly numbers: readonly number[];
  /** How the object that it has is kept, which is `undefined` at first; null: it has none. */
  readonly object: ObjectForm | null;
  /** Takes a number; null: it goes to `addAny`. */
  readonly add: AddNumber | null;
  /** Takes any other value, or the row; null where only numbers and bigints are values: a bigint goes to `add` as a number. */
  readonly addAny: AddAny | null;
  /** Adds what another window has; null where that cannot be done. */
  readonly merge: ((into: Place, from: Place, kept: Kept) => void) | null;
}

export type AddNumber = (numbers: Float64Array, at: number, value: number, time: number) => void;
export type AddAny = (place: Place, kept: Kept, value: unknown, time: number) => void;

/** Where an accumulator of a window has its numbers and objects, counted from where those of the window begin. */
export interface Kept {
  readonly accumulator: Accumulator;
  readonly number: number;
  readonly object: number;
}

/** A result as a column: a type, or the column whose type it has; and whether it may be null. */
export type ResultColumn = Pick<DescribedColumn, 'type' | 'optional'>;

/** That of a number which there is not for every window. */
export const OPTIONAL_NUMBER: ResultColumn = { type: 'float64', optional: true };
/** That of a number which there always is. */
export const NUMBER: ResultColumn = { type: 'float64', optional: false };

export type ReadResult<R = unknown> = (place: Place) => R;

declare const types: unique symbol;

/**
 * What a window says of its events: the `aggregate` option of `windowed` names some. `Column` is the column whose values it takes
 * (`never`: none), `Value` what these may be, `Result` what it gives, `Row` what it takes of a row.
 */
export interface Aggregate<Column extends string, Value, Result, Row = unknown> {
  readonly [types]?: {
    readonly column: Column;
    readonly takes: (value: Value) => void;
    readonly result: Result;
    readonly takesRow: (row: Row) => void;
  };
  /** As its user wrote it, for errors. */
  readonly text: string;
  /** Of which type the result is. */
  readonly gives: ResultColumn;
  readonly accumulators: readonly Accumulator[];
  /** How the result is read, given where its accumulators are, in their order. */
  reader(kept: readonly Kept[]): ReadResult;
}

/** Stands for the type of a column's values in a result. */
export interface ValueOf<Column extends string> {
  readonly valueOf: () => Column;
  readonly [types]: Column;
}

/** The aggregates that rows of a type can have. */
export type AggregateOf<T> =
  | { [C in keyof T & string]: Aggregate<C, NonNullable<T[C]>, unknown, T> }[keyof T & string]
  | Aggregate<never, unknown, unknown, T>;

/** What an aggregate gives for rows of a type. */
export type ResultOf<T, A> =
  A extends Aggregate<string, never, infer R, never>
    ? R extends ValueOf<infer C>
      ? C extends keyof T
        ? NonNullable<T[C]> | null
        : never
      : R
    : never;
