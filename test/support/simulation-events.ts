import { isDeepStrictEqual } from 'node:util';
import type { AnyColumn, Schema } from '../../src/index.js';
import { bool, bytes, float32, float64, int32, int64, json, key, string, tag, timestamp } from '../../src/index.js';
import { seededRandom } from '../../src/storage/random.js';

export type Row = Record<string, unknown>;

/** The second version of a schema has one more optional column. */
export type SchemaVersion = 1 | 2;

/** A stream of the simulated mills. Its events follow from their ids, so what comes back can be compared with what went in. */
export interface StreamKind {
  readonly name: string;
  schema(version: SchemaVersion): Schema;
  event(id: number, version: SchemaVersion): Row;
}

const TIME = Date.UTC(2024, 0, 1);
const TEXTS = ['', 'x', 'ein Ärger', '水車', '"quoted", \\ and \n', '🌊'.repeat(40), 'long '.repeat(300)];

const readings: StreamKind = {
  name: 'readings',
  schema: (version) => ({
    ts: timestamp(),
    device: key(string()),
    id: int32(),
    value: float64(),
    place: tag(string()).optional(),
    ...(version === 2 && { extra: string().optional() }),
  }),
  event: (id, version) => {
    const random = seededRandom(id);
    return {
      ts: TIME + id * 40 - Math.floor(random() * 3_000),
      device: `device-${Math.floor(random() * 12)}`,
      id,
      value: random() < 0.1 ? Number.NaN : random() * 100 - 50,
      place: random() < 0.5 ? undefined : 'cellar',
      ...(version === 2 && { extra: random() < 0.5 ? undefined : `extra ${id}` }),
    };
  },
};

const notes: StreamKind = {
  name: 'notes',
  schema: (version) => ({
    id: int64(),
    ts: timestamp(),
    text: string(),
    data: json().optional(),
    ...(version === 2 && { rank: int32().optional() }),
  }),
  event: (id, version) => {
    const random = seededRandom(id);
    return {
      id: BigInt(id),
      ts: TIME - id,
      text: TEXTS[Math.floor(random() * TEXTS.length)],
      data: random() < 0.5 ? undefined : { id, deep: [random(), null, { flag: true }] },
      ...(version === 2 && { rank: random() < 0.5 ? undefined : -id }),
    };
  },
};

const trades: StreamKind = {
  name: 'trades',
  schema: (version) => ({
    ts: timestamp(),
    site: key(int32()),
    buys: key(bool()),
    id: float64(),
    price: float32(),
    raw: bytes().optional(),
    ...(version === 2 && { fee: int64().optional() }),
  }),
  event: (id, version) => {
    const random = seededRandom(id);
    return {
      ts: TIME,
      site: Math.floor(random() * 5) - 2,
      buys: random() < 0.5,
      id,
      price: Math.fround(random() * 10),
      raw: random() < 0.5 ? undefined : Uint8Array.from({ length: Math.floor(random() * 900) }, (_, at) => at ^ id),
      ...(version === 2 && { fee: random() < 0.5 ? undefined : BigInt(id) ** 2n }),
    };
  },
};

export const STREAM_KINDS: readonly StreamKind[] = [readings, notes, trades];

/** The version of a stream's schema that has these columns. */
export function versionOf(kind: StreamKind, columns: readonly unknown[]): SchemaVersion {
  return columns.length > Object.keys(kind.schema(1)).length ? 2 : 1;
}

/** The event time of a row. */
export const timeOf = (row: Row): number => Number(row.ts);

/** The id that a row says it has. */
export const idOf = (row: Row): number => Number(row.id);

/** The first column in which a row is not the event that was appended. */
export function differingColumn(row: Row, expected: Row): string | null {
  for (const name in expected) if (!isSame(expected[name], row[name])) return name;
  for (const name in row) if (!(name in expected) && row[name] !== undefined) return name;
  return null;
}

function isSame(left: unknown, right: unknown): boolean {
  return Object.is(left, right) || (typeof left === 'object' && isDeepStrictEqual(left, right));
}

type TypedArray = { from(values: Iterable<never>): unknown };
const TYPED: Partial<Record<string, TypedArray>> = {
  timestamp: Float64Array,
  float64: Float64Array,
  float32: Float32Array,
  int32: Int32Array,
  int64: BigInt64Array,
};

/** The same events column by column, as typed arrays where there are some and, at the wish of `dice`, with distinct keys. */
export function columnsOf(schema: Schema, events: readonly Row[], isIndexed: boolean): Record<string, never> {
  const columns = Object.entries(schema).flatMap(([name, column]) => {
    const values = events.map((event) => event[name]);
    return values.every((value) => value === undefined) ? [] : [[name, columnOf(column, values, isIndexed)]];
  });
  return Object.fromEntries(columns);
}

function columnOf(column: AnyColumn, values: readonly unknown[], isIndexed: boolean): unknown {
  if (isIndexed && column.role === 'key') {
    const distinct = [...new Set(values)];
    return { values: distinct, indexes: values.map((value) => distinct.indexOf(value)) };
  }
  const typed = column.isOptional || column.role === 'key' ? undefined : TYPED[column.type];
  return typed === undefined ? values : typed.from(values as never[]);
}
