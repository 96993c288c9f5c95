import fc from 'fast-check';
import { Batch, BytesValues, isValid, TextValues } from '../../src/wal/batch.js';
import type { ColumnLayout, ColumnType } from '../../src/wal/column.js';
import { EventEntryBuilder, type StreamLayout } from '../../src/wal/event-entry.js';
import type { EntrySource } from '../../src/wal/frame.js';

/** A row as the log stores it: a value per column of the layout, `undefined` where it is missing. */
export type StoredRow = readonly unknown[];

export const TYPES: readonly ColumnType[] = [
  'timestamp',
  'string',
  'bool',
  'int32',
  'int64',
  'float32',
  'float64',
  'json',
  'bytes',
];

const KEY_TYPES: readonly ColumnType[] = ['string', 'int32', 'int64', 'bool'];

/** Values that a column of a type stores, the odd ones often. */
export function valuesOf(type: ColumnType): fc.Arbitrary<unknown> {
  switch (type) {
    case 'timestamp':
      return fc.oneof(fc.maxSafeInteger(), fc.constantFrom(0, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER));
    case 'string':
      return fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.string(),
        fc.constantFrom('', '\0', '\ufeff', 'grün', '👩‍🌾🌾'),
      );
    case 'bool':
      return fc.boolean();
    case 'int32':
      return fc.oneof(fc.integer(), fc.constantFrom(-(2 ** 31), 2 ** 31 - 1));
    case 'int64':
      return fc.oneof(
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        fc.constantFrom(0n, -(2n ** 63n), 2n ** 63n - 1n),
      );
    case 'float32':
      return fc.oneof(fc.float(), fc.constantFrom(...ODD_NUMBERS));
    case 'float64':
      return fc.oneof(fc.double(), fc.constantFrom(...ODD_NUMBERS, Number.MIN_VALUE, Number.MAX_VALUE));
    case 'json':
      return fc.json();
    case 'bytes':
      return fc.uint8Array({ maxLength: 40 });
  }
}

const ODD_NUMBERS = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 0];

const columnOf = fc
  .record({
    type: fc.constantFrom(...TYPES),
    role: fc.constantFrom('key', 'tag', 'value', 'time'),
    optional: fc.boolean(),
  })
  .map(({ type, role, optional }) =>
    role === 'key' && KEY_TYPES.includes(type)
      ? ({ type, role, optional: false } as const)
      : ({ type, role: role === 'key' ? 'value' : role, optional } as const),
  );

/** Layouts of up to six columns, in any order, with no key, one, or several. */
export const layouts: fc.Arbitrary<StreamLayout> = fc
  .record({
    id: fc.nat(),
    version: fc.nat(),
    columns: fc.array(columnOf, { minLength: 1, maxLength: 6 }),
  })
  .map(({ id, version, columns }) => ({
    id,
    version,
    columns: columns.map((column, at): ColumnLayout => ({ name: `c${at}`, ...column })),
  }));

export function rowsOf(layout: StreamLayout, maxLength = 30): fc.Arbitrary<StoredRow[]> {
  const values = layout.columns.map(({ type, optional }) =>
    optional ? fc.option(valuesOf(type), { nil: undefined }) : valuesOf(type),
  );
  return fc.array(fc.tuple(...values), { minLength: 1, maxLength });
}

/** Fills a builder with rows; keys are entered once each. `orders` are the rows' places in their commit. */
export function fill(builder: EventEntryBuilder, rows: readonly StoredRow[], orders?: readonly number[]): void {
  const { columns } = builder.layout;
  const isKey = columns.map((column) => column.role === 'key');
  const keys = new Map<string, number>();
  rows.forEach((row, at) => {
    const key = row.filter((_, column) => isKey[column]);
    const text = key.map((value) => `${typeof value}:${String(value).length}:${String(value)}`).join();
    builder.room(1);
    if (!keys.has(text)) keys.set(text, builder.addKey(key));
    row.forEach((value, column) => {
      if (!isKey[column]) builder.columns[column]!.set(builder.rows, value as never);
    });
    builder.commitRow(keys.get(text)!, orders?.[at] ?? at);
  });
}

export function encoded(source: EntrySource): Buffer {
  // Neither the place nor what was in memory before may show.
  const target = Buffer.alloc(source.byteLength + 24, 0xaa);
  source.encode(target, 8);
  if (target.readBigUInt64LE(0) !== FILLER || target.readBigUInt64LE(8 + source.byteLength) !== FILLER) {
    throw new Error('it wrote beside its place');
  }
  return Buffer.from(target.subarray(8, 8 + source.byteLength));
}

const FILLER = 0xaa_aa_aa_aa_aa_aa_aa_aan;

export function encodeRows(layout: StreamLayout, rows: readonly StoredRow[], orders?: readonly number[]): Buffer {
  const builder = new EventEntryBuilder(layout);
  fill(builder, rows, orders);
  return encoded(builder.toEntry());
}

export function batchOf(layout: StreamLayout, entry: Uint8Array, firstLsn = 1): Batch {
  return new Batch(layout, aligned(entry), firstLsn);
}

/** The rows of an event entry, as they were stored. */
export function decodeRows(layout: StreamLayout, entry: Uint8Array): StoredRow[] {
  const batch = batchOf(layout, entry);
  return Array.from({ length: batch.rows }, (_, row) =>
    layout.columns.map((column, at) => {
      const values = batch.columns[at]!;
      const place = column.role === 'key' ? batch.keyIndex[row]! : row;
      if (!isValid(batch.validity[at]!, place)) return undefined;
      if (values instanceof TextValues || values instanceof BytesValues) return values.get(place);
      return column.type === 'bool' ? values[place] === 1 : values[place];
    }),
  );
}

/** The same bytes in memory that begins at a multiple of 8. */
export function aligned(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}
