import { deepStrictEqual } from 'node:assert/strict';
import fc from 'fast-check';
import { streamIdOf, versionOf } from '../../src/wal/batch.js';
import { EventEntryBuilder, type StreamLayout } from '../../src/wal/event-entry.js';
import {
  batchOf,
  decodeRows,
  encoded,
  encodeRows,
  fill,
  layouts,
  rowsOf,
  type StoredRow,
} from '../support/log-codec.js';

const READINGS: StreamLayout = {
  id: 7,
  version: 2,
  columns: [
    { name: 'plant', type: 'int32', role: 'key', optional: false },
    { name: 'ts', type: 'timestamp', role: 'time', optional: false },
    { name: 'device', type: 'string', role: 'key', optional: false },
    { name: 'note', type: 'string', role: 'value', optional: true },
  ],
};

const filled = layouts.chain((layout) => fc.record({ layout: fc.constant(layout), rows: rowsOf(layout) }));
/** Rising places in a commit, one after the other or with others between. */
const ordersOf = (count: number) =>
  fc
    .tuple(fc.nat(1_000), fc.array(fc.constantFrom(1, 1, 1, 2, 9), { minLength: count, maxLength: count }))
    .map(([first, steps]) => steps.map((_, at) => first + steps.slice(0, at).reduce((sum, step) => sum + step, 0)));

/** float32 columns round. */
const rounded = ({ columns }: StreamLayout, rows: readonly StoredRow[]): StoredRow[] =>
  rows.map((row) =>
    row.map((value, at) =>
      columns[at]!.type === 'float32' && value !== undefined ? Math.fround(value as number) : value,
    ),
  );

describe('an event entry', () => {
  it('gives back the rows of any layout', () => {
    fc.assert(
      fc.property(filled, ({ layout, rows }) => {
        deepStrictEqual(decodeRows(layout, encodeRows(layout, rows)), rounded(layout, rows));
      }),
      { numRuns: 150 },
    );
  });

  it('has a length that is a multiple of 8 and says so, and names its stream and version', () => {
    fc.assert(
      fc.property(filled, ({ layout, rows }) => {
        const bytes = encodeRows(layout, rows);
        expect(bytes.length % 8).toBe(0);
        expect(bytes.readUInt32LE(0)).toBe(bytes.length);
        expect([streamIdOf(bytes), versionOf(bytes)]).toEqual([layout.id, layout.version]);
      }),
    );
  });

  it('keeps where each row stands in its commit', () => {
    const placed = filled.chain(({ layout, rows }) =>
      ordersOf(rows.length).map((orders) => ({ layout, rows, orders })),
    );
    fc.assert(
      fc.property(placed, fc.nat(1_100), ({ layout, rows, orders }, order) => {
        const bytes = encodeRows(layout, rows, orders);
        const batch = batchOf(layout, bytes, 1_000);
        expect(orders.map((_, row) => batch.orderOf(row))).toEqual(orders);
        expect(batch.lsnOf(0)).toBe(1_000 + orders[0]!);
        const first = orders.findIndex((one) => one >= order);
        expect(batch.rowFrom(order)).toBe(first < 0 ? rows.length : first);
        deepStrictEqual(decodeRows(layout, bytes), rounded(layout, rows));
      }),
    );
  });

  it('has a column of orders only where they do not follow each other', () => {
    const rows: StoredRow[] = [1, 2, 3].map((ts) => [1, ts, 'a', undefined]);
    const [consecutive, spread] = [
      [5, 6, 7],
      [5, 7, 8],
    ].map((orders) => encodeRows(READINGS, rows, orders));
    expect(consecutive!.readUInt16LE(6)).toBe(0);
    expect(spread!.readUInt16LE(6)).toBe(1);
    expect(spread!.length - consecutive!.length).toBe(16);
    expect([consecutive!.readUInt32LE(24), spread!.readUInt32LE(24)]).toEqual([5, 5]);
  });

  it('has each key once, of several columns', () => {
    const rows: StoredRow[] = [
      [1, 1, 'a', 'x'],
      [2, 2, 'a', undefined],
      [1, 3, 'b', ''],
      [1, 4, 'a', 'y'],
    ];
    const bytes = encodeRows(READINGS, rows);
    const batch = batchOf(READINGS, bytes);
    expect(batch.keys).toBe(3);
    expect([...batch.keyIndex]).toEqual([0, 1, 2, 0]);
    expect(decodeRows(READINGS, bytes)).toEqual(rows);
  });

  it.each([
    ['one row', 1, 1],
    ['a hundred thousand rows of one key', 100_000, 1],
    ['a hundred thousand rows of twenty thousand keys', 100_000, 20_000],
    ['a hundred thousand rows, each with its own key', 100_000, 100_000],
  ])('holds %s', (_, count, keys) => {
    const rows: StoredRow[] = Array.from({ length: count }, (_, row) => {
      const key = (row * 7_919) % keys;
      return [key % 3, row, `device-${key}`, row % 4 === 0 ? undefined : `note ${row}`];
    });
    const bytes = encodeRows(READINGS, rows);
    expect(batchOf(READINGS, bytes).keys).toBe(keys);
    const found = decodeRows(READINGS, bytes);
    expect(found.findIndex((row, at) => row.some((value, column) => value !== rows[at]![column]))).toBe(-1);
    expect(found).toHaveLength(count);
  });

  it('shows nothing of what the builder held before', () => {
    const twice = layouts.chain((layout) =>
      fc.record({ layout: fc.constant(layout), before: rowsOf(layout, 100), rows: rowsOf(layout) }),
    );
    fc.assert(
      fc.property(twice, ({ layout, before, rows }) => {
        const builder = new EventEntryBuilder(layout);
        fill(
          builder,
          before,
          before.map((_, at) => at * 2),
        );
        encoded(builder.toEntry());
        builder.reset();
        fill(builder, rows);
        expect(encoded(builder.toEntry())).toEqual(encodeRows(layout, rows));
      }),
    );
  });

  it('hands out copies of bytes, never the log’s own', () => {
    const layout: StreamLayout = {
      id: 1,
      version: 1,
      columns: [{ name: 'c', type: 'bytes', role: 'value', optional: false }],
    };
    const bytes = encodeRows(layout, [[Uint8Array.of(1, 2, 3)]]);
    const batch = batchOf(layout, bytes);
    const values = batch.columns[0] as unknown as { get(row: number): Uint8Array };
    values.get(0).fill(9);
    expect(values.get(0)).toEqual(Uint8Array.of(1, 2, 3));
  });

  it('takes rows in slices as one by one', () => {
    const layout: StreamLayout = { ...READINGS, columns: READINGS.columns.slice(1, 2) };
    const [single, sliced] = [new EventEntryBuilder(layout), new EventEntryBuilder(layout)];
    const times = Float64Array.from({ length: 300 }, (_, row) => row * 10);
    fill(
      single,
      [...times].map((time) => [time]),
    );
    for (const [from, to] of [
      [0, 100],
      [100, 300],
    ] as const) {
      sliced.room(to - from);
      const column = sliced.columns[0] as unknown as { setMany(row: number, values: Float64Array): void };
      column.setMany(from, times.subarray(from, to));
      sliced.commitRows(new Uint32Array(to - from), from);
    }
    // Without key columns there is no key index, and no key.
    single.keys = 0;
    expect(encoded(sliced.toEntry())).toEqual(encoded(single.toEntry()));
  });

  it('counts the bytes of its rows as they come, to within its header and its keys', () => {
    fc.assert(
      fc.property(filled, ({ layout, rows }) => {
        const builder = new EventEntryBuilder(layout);
        let sum = 0;
        for (const row of rows) {
          const before = builder.rows;
          fillOne(builder, row, before);
          sum += builder.lastRowBytes;
        }
        expect(builder.bytesOfRows).toBe(sum);
      }),
    );
  });
});

function fillOne(builder: EventEntryBuilder, row: StoredRow, order: number): void {
  builder.room(1);
  row.forEach((value, at) => {
    if (builder.layout.columns[at]!.role !== 'key') builder.columns[at]!.set(builder.rows, value as never);
  });
  builder.commitRow(0, order);
}
