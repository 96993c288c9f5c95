import { type ColumnValues, isValid } from '../../wal/batch.js';
import { bitmapBytes, type ColumnLayout, type FixedArray } from '../../wal/column.js';
import { valueAt } from '../row-codec.js';
import type { ReadBatch } from './filter.js';
import type { LoadedBatch } from './load.js';

/** A column of texts, JSON or bytes: values are made when they are asked for. */
export interface ValueColumn<V> {
  /** The value of a row; `undefined` where it has none. */
  get(row: number): V;
  /** Of a key column: its distinct values, and which of them each row has. */
  readonly distinct: { readonly values: readonly V[]; readonly indexes: Uint32Array } | null;
}

/** Numbers and timestamps (milliseconds) as the typed array of the column's type, int64 as `BigInt64Array`, bool as 0 and 1. */
export type BatchColumn<V> = [NonNullable<V>] extends [number]
  ? Float64Array | Float32Array | Int32Array
  : [NonNullable<V>] extends [bigint]
    ? BigInt64Array
    : [NonNullable<V>] extends [boolean]
      ? Uint8Array
      : ValueColumn<V>;

/** Rows column by column. The arrays may be millrace's own memory: do not change them. */
export interface ColumnBatch<T> {
  readonly rows: number;
  readonly columns: { readonly [K in keyof T]-?: BatchColumn<T[K]> };
  /** Of optional columns, a bit for each row, the lowest of a byte first: whether it has a value. `null` where all have. */
  readonly validity: { readonly [K in keyof T]-?: Uint8Array | null };
  /** The lsn of each row, where asked for. */
  readonly lsns: Float64Array | null;
  /** The index of each row, where asked for; `null` also where every one is 0. */
  readonly indexes: Uint32Array | null;
}

/** Columns of the rows of a batch that are wanted; `rows` is `null` where all are, and then nothing is copied. */
export function columnBatch<T>(
  batch: ReadBatch,
  columns: readonly ColumnLayout[],
  rows: Uint32Array | null,
  positions: Pick<LoadedBatch, 'lsnOf' | 'indexOf'> | null,
): ColumnBatch<T> {
  const count = rows === null ? batch.rows : rows.length;
  const found: Record<string, unknown> = {};
  const validity: Record<string, Uint8Array | null> = {};
  for (const column of columns) {
    const at = batch.layout.columns.findIndex(({ name }) => name === column.name);
    const isThere = at >= 0;
    const bitmap = isThere ? gatheredBits(batch.validity[at]!, rows) : new Uint8Array(bitmapBytes(count));
    validity[column.name] = bitmap;
    if (!isThere) found[column.name] = missing(column, count);
    else if (column.role === 'key') found[column.name] = keyColumn(column, batch, at, rows);
    else found[column.name] = valueColumn(column, batch.columns[at]!, rows, bitmap);
  }
  const numbers = { length: count };
  const [lsnOf, indexOf] = [positions?.lsnOf ?? null, positions?.indexOf ?? null];
  const lsns = lsnOf && Float64Array.from(numbers, (_, row) => lsnOf(rows === null ? row : rows[row]!));
  const indexes = indexOf && Uint32Array.from(numbers, (_, row) => indexOf(rows === null ? row : rows[row]!));
  return { rows: count, columns: found, validity, lsns, indexes } as ColumnBatch<T>;
}

function valueColumn(
  column: ColumnLayout,
  values: ColumnValues,
  rows: Uint32Array | null,
  bitmap: Uint8Array | null,
): unknown {
  if (isFixed(values)) return rows === null ? values : gathered(values, rows);
  const get = (row: number) =>
    isValid(bitmap, row) ? valueAt(column, values, rows === null ? row : rows[row]!) : undefined;
  return { get, distinct: null } satisfies ValueColumn<unknown>;
}

function keyColumn(column: ColumnLayout, batch: ReadBatch, at: number, rows: Uint32Array | null): unknown {
  const values = batch.columns[at]!;
  const indexes = rows === null ? batch.keyIndex : gathered(batch.keyIndex, rows);
  if (isFixed(values)) return gathered(values, indexes);
  const distinct = Array.from({ length: batch.keys }, (_, key) => valueAt(column, values, key));
  return {
    get: (row) => distinct[indexes[row]!],
    distinct: { values: distinct, indexes },
  } satisfies ValueColumn<unknown>;
}

/** A column that was added to the schema after these rows were written. */
function missing({ type }: ColumnLayout, rows: number): unknown {
  switch (type) {
    case 'timestamp':
    case 'float64':
      return new Float64Array(rows);
    case 'float32':
      return new Float32Array(rows);
    case 'int32':
      return new Int32Array(rows);
    case 'int64':
      return new BigInt64Array(rows);
    case 'bool':
      return new Uint8Array(rows);
    default:
      return { get: () => undefined, distinct: null } satisfies ValueColumn<unknown>;
  }
}

function isFixed(values: ColumnValues): values is FixedArray {
  return ArrayBuffer.isView(values);
}

function gathered<A extends FixedArray | Uint32Array>(values: A, rows: Uint32Array): A {
  const found = new (values.constructor as new (length: number) => A)(rows.length);
  for (let row = 0; row < rows.length; row++) found[row] = values[rows[row]!]!;
  return found;
}

function gatheredBits(bitmap: Uint8Array | null, rows: Uint32Array | null): Uint8Array | null {
  if (bitmap === null || rows === null) return bitmap;
  const found = new Uint8Array(bitmapBytes(rows.length));
  for (let row = 0; row < rows.length; row++) if (isValid(bitmap, rows[row]!)) found[row >> 3]! |= 1 << (row & 7);
  return found;
}
