import { SchemaError } from '../errors.js';
import type { ColumnLayout, FixedArray } from '../wal/column.js';
import { toStored } from './values.js';

/** Distinct values, and which of them each row has. */
export interface IndexedValues<V> {
  readonly values: readonly V[];
  readonly indexes: Uint32Array | Int32Array | Uint16Array | Uint8Array | readonly number[];
}

/** A column of `appendColumns`: a typed array of the column's own type, or any array of values. */
export type ColumnInput<V> = readonly V[] | FixedArray | IndexedValues<V>;

const OWN_TYPE = {
  timestamp: Float64Array,
  float64: Float64Array,
  float32: Float32Array,
  int32: Int32Array,
  int64: BigInt64Array,
};

/** A column of `appendColumns` that was checked and copied. */
export interface ColumnSource {
  readonly column: ColumnLayout;
  /** Values that may be copied as they are. */
  readonly typed: FixedArray | null;
  readonly stored: (row: number) => unknown;
  /** Of a column that was given as distinct values: which of them each row has. */
  readonly indexes?: Uint32Array;
}

/** Checks the columns and copies them. @throws SchemaError naming stream, column and row */
export function sourcesOf(
  stream: string,
  columns: readonly ColumnLayout[],
  input: unknown,
): { readonly rows: number; readonly sources: readonly ColumnSource[] } {
  if (typeof input !== 'object' || input === null)
    throw new SchemaError(`appendColumns of stream "${stream}" takes an object of arrays. Nothing was written.`, {
      stream,
    });
  const given = input as Record<string, ColumnInput<unknown>>;
  const rows = rowCountOf(stream, columns, given);
  return { rows, sources: columns.map((column) => sourceOf(stream, column, given[column.name])) };
}

function rowCountOf(
  stream: string,
  columns: readonly ColumnLayout[],
  given: Record<string, ColumnInput<unknown>>,
): number {
  for (const name in given) {
    if (columns.some((column) => column.name === name)) continue;
    throw new SchemaError(
      `Stream "${stream}" has no column ${JSON.stringify(name.slice(0, 200))}. Nothing was written.`,
      { stream, column: name },
    );
  }
  let rows: number | undefined;
  for (const { name } of columns) {
    if (given[name] === undefined) continue;
    const length = lengthOf(given[name]);
    rows ??= length;
    if (length === undefined || length !== rows) {
      const what =
        length === undefined ? 'is not an array' : `has ${length} values where the columns before it have ${rows}`;
      throw new SchemaError(`Column "${name}" of stream "${stream}" ${what}. Nothing was written.`, {
        stream,
        column: name,
      });
    }
  }
  return rows ?? 0;
}

function lengthOf(input: unknown): number | undefined {
  if (isIndexed(input)) return lengthOf(input.indexes);
  return Array.isArray(input) || (ArrayBuffer.isView(input) && 'length' in input)
    ? (input.length as number)
    : undefined;
}

function isIndexed(input: unknown): input is IndexedValues<unknown> {
  return (
    typeof input === 'object' &&
    input !== null &&
    'indexes' in input &&
    'values' in input &&
    Array.isArray(input.values)
  );
}

function sourceOf(stream: string, column: ColumnLayout, input: ColumnInput<unknown> | undefined): ColumnSource {
  if (input === undefined) {
    toStored(stream, column, undefined);
    return { column, typed: null, stored: () => undefined };
  }
  const own = OWN_TYPE[column.type as keyof typeof OWN_TYPE] as (new (values: never) => FixedArray) | undefined;
  if (own !== undefined && input instanceof own) return ownTyped(stream, column, new own(input as never));
  if (isIndexed(input)) return indexed(stream, column, input);
  return listed(stream, column, input as ArrayLike<unknown>, (at) => at);
}

function indexed(stream: string, column: ColumnLayout, { values, indexes }: IndexedValues<unknown>): ColumnSource {
  const copy = new Uint32Array(indexes as ArrayLike<number>);
  const wrong = firstWrong(copy, indexes, values.length);
  if (wrong >= 0) {
    const what = `has index ${String(indexes[wrong])}, but ${values.length} values`;
    const error = new SchemaError(`Column "${column.name}" of stream "${stream}" ${what}. Nothing was written.`, {
      stream,
      column: column.name,
    });
    throw atRow(error, wrong);
  }
  const { stored } = listed(stream, column, values, (at) => copy.indexOf(at));
  return { column, typed: null, stored: (row) => stored(copy[row]!), indexes: copy };
}

/** A plain loop, as is every loop over rows here: a call a row would take longer than the check. */
function firstWrong(copy: Uint32Array, given: ArrayLike<number>, count: number): number {
  const mayDiffer = !(given instanceof Uint32Array);
  for (let row = 0; row < copy.length; row++) {
    if (copy[row]! >= count || (mayDiffer && copy[row] !== given[row])) return row;
  }
  return -1;
}

function ownTyped(stream: string, column: ColumnLayout, typed: FixedArray): ColumnSource {
  if (column.type === 'timestamp') {
    for (let row = 0; row < typed.length; row++) {
      if (!Number.isSafeInteger(typed[row])) checkInRow(row, stream, column, typed[row]);
    }
  }
  return { column, typed, stored: (row) => typed[row] };
}

function checkInRow(row: number, stream: string, column: ColumnLayout, value: unknown): void {
  inRow(
    () => row,
    () => toStored(stream, column, value),
  );
}

function listed(
  stream: string,
  column: ColumnLayout,
  values: ArrayLike<unknown>,
  rowOf: (at: number) => number,
): ColumnSource {
  const stored = Array.from(values, (value, at) => {
    const checked = inRow(
      () => rowOf(at),
      () => toStored(stream, column, value),
    );
    return checked instanceof Uint8Array ? checked.slice() : checked;
  });
  return { column, typed: null, stored: (row) => stored[row] };
}

function inRow<R>(row: () => number, check: () => R): R {
  try {
    return check();
  } catch (error) {
    throw error instanceof SchemaError ? atRow(error, row()) : error;
  }
}

/** A row of -1 has the value among its distinct ones, but in no row. */
function atRow(error: SchemaError, row: number): SchemaError {
  const { stream, column } = error;
  return row < 0 ? error : new SchemaError(`Row ${row}: ${error.message}`, { stream, column, row });
}
