import fc from 'fast-check';
import { addSums, type SegmentInfo } from '../../src/snapshots/segment-format.js';
import { compareKeys, keyColumns } from '../../src/snapshots/segments/key-order.js';
import type { PlacedEntry } from '../../src/snapshots/segments/packed-entries.js';
import type { ColumnLayout, ColumnType } from '../../src/wal/column.js';
import type { StreamLayout } from '../../src/wal/event-entry.js';
import { now } from '../storage/support.js';
import { build, column, entriesOf, type PlacedRow, type Row, readerOf, rowOf, rowsOf } from './segment-support.js';

const TEXTS = ['', 'a', 'b', 'ab', 'é', '漢', '\uffff', '😀', '😀😀', 'a\u0000b', 'x'.repeat(70)];
const text = fc.oneof(fc.constantFrom(...TEXTS), fc.string({ unit: 'binary', maxLength: 12 }));
const int32 = fc.oneof(fc.constantFrom(0, -1, 2 ** 31 - 1, -(2 ** 31)), fc.integer());
const int64 = fc.oneof(fc.constantFrom(0n, -1n, 2n ** 63n - 1n, -(2n ** 63n)), fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n));
const float = fc.oneof(fc.constantFrom(NaN, -0, 0, Infinity, -Infinity, 1e-310), fc.double());

const VALUES: { readonly [T in ColumnType]: fc.Arbitrary<unknown> } = {
  timestamp: fc.oneof(fc.constantFrom(0, -1, 2 ** 32, 1.7e12, -(2 ** 53) + 1), fc.integer({ min: -1e15, max: 1e15 })),
  string: text,
  json: text.map((value) => JSON.stringify(value)),
  bytes: fc.uint8Array({ maxLength: 9 }),
  bool: fc.boolean(),
  int32,
  int64,
  float32: float.map(Math.fround),
  float64: float,
};
const KEYS = {
  string: fc.constantFrom('', 'a', 'b', 'é', '\uffff', '😀'),
  int32: fc.constantFrom(-5, 0, 7),
  int64: fc.constantFrom(-(2n ** 60n), 0n, 2n ** 40n),
  bool: fc.boolean(),
} as const;
const TYPES = Object.keys(VALUES) as ColumnType[];

const keyColumn = fc
  .tuple(fc.string({ minLength: 1, maxLength: 3 }), fc.constantFrom(...(Object.keys(KEYS) as (keyof typeof KEYS)[])))
  .map(([name, type]) => column(`k${name}`, type, 'key'));
const valueColumn = fc
  .tuple(fc.string({ minLength: 1, maxLength: 3 }), fc.constantFrom(...TYPES), fc.boolean())
  .map(([name, type, optional]) => column(`v${name}`, type, 'value', optional));
const layoutArbitrary = fc
  .uniqueArray(fc.oneof({ weight: 1, arbitrary: keyColumn }, { weight: 2, arbitrary: valueColumn }), {
    maxLength: 7,
    selector: ({ name }) => name,
  })
  .map((columns): StreamLayout => ({ id: 3, version: 1, columns: [column('ts', 'timestamp', 'time'), ...columns] }));

function rowArbitrary(columns: readonly ColumnLayout[]): fc.Arbitrary<Row> {
  return fc.record(
    Object.fromEntries(
      columns.map(({ name, type, role, optional }) => {
        const value = role === 'key' ? KEYS[type as keyof typeof KEYS] : VALUES[type];
        return [name, optional ? fc.option(value, { nil: undefined }) : value];
      }),
    ),
  );
}

/** Some commits of rows, how many VGroups there are, how many rows a block has. */
const caseArbitrary = layoutArbitrary.chain((layout) =>
  fc.record({
    layout: fc.constant(layout),
    commits: fc.array(fc.array(rowArbitrary(layout.columns), { minLength: 1, maxLength: 12 }), { maxLength: 6 }),
    vgroups: fc.integer({ min: 1, max: 4 }),
    blockRows: fc.integer({ min: 1, max: 20 }),
  }),
);

function commitsToEntries(layout: StreamLayout, commits: readonly (readonly Row[])[], vgroups: number) {
  const entries: PlacedEntry[] = [];
  const rows: PlacedRow[] = [];
  let firstLsn = 2 ** 33 + 5;
  for (const commit of commits) {
    // Events of other streams stand before and between them.
    entries.push(...entriesOf(layout, commit, { firstLsn, vgroups, firstOrder: 3 }));
    rows.push(...commit.map((row, order) => ({ lsn: firstLsn + 3 + order, row })));
    firstLsn += commit.length + 10;
  }
  return { entries, rows };
}

const sumOf = (info: SegmentInfo): string => addSums(info.blocks.map(({ sum }) => sum));

describe('A segment', () => {
  it('gives the rows of the entries back, in the order of their lsns, whatever VGroups and blocks there are', () => {
    fc.assert(
      fc.property(caseArbitrary, ({ layout, commits, vgroups, blockRows }) => {
        const { entries, rows } = commitsToEntries(layout, commits, vgroups);
        const reader = readerOf(build({ layout, blockRows }, entries), layout);
        expect(rowsOf(reader)).toEqual(rows);
      }),
    );
  });

  it('has blocks that follow each other, are sorted by key, and have the bounds and the size that it says', () => {
    fc.assert(
      fc.property(caseArbitrary, ({ layout, commits, vgroups, blockRows }) => {
        const { entries, rows } = commitsToEntries(layout, commits, vgroups);
        const { info, bytes } = build({ layout, blockRows }, entries);
        const reader = readerOf({ info, bytes }, layout);
        expect(info.blocks.map((block) => block.rows)).toEqual(
          Array.from({ length: Math.ceil(rows.length / blockRows) }, (_, at) =>
            Math.min(blockRows, rows.length - at * blockRows),
          ),
        );
        info.blocks.forEach((about, at) => {
          const part = rows.slice(at * blockRows, at * blockRows + about.rows);
          const times = part.map(({ row }) => row.ts as number);
          expect([about.firstLsn, about.lastLsn]).toEqual([part[0]!.lsn, part.at(-1)!.lsn]);
          expect([about.minTime, about.maxTime]).toEqual([Math.min(...times), Math.max(...times)]);
          expect(about.offset).toBe(
            at === 0 ? info.blocks[0]!.offset : info.blocks[at - 1]!.offset + info.blocks[at - 1]!.bytes,
          );
          const names = keyColumns(layout.columns).map(({ name }) => name);
          const block = now(reader.block(at));
          const keyOf = ({ row }: PlacedRow) => names.map((name) => row[name] as string);
          const sorted = part.toSorted((a, b) => compareKeys(keyOf(a), keyOf(b)) || a.lsn - b.lsn);
          expect([...block.lsns]).toEqual(sorted.map(({ lsn }) => lsn));
        });
        expect(info.bytes).toBe(bytes.length);
      }),
    );
  });

  it('has a sum that depends on neither VGroups nor blocks', () => {
    fc.assert(
      fc.property(caseArbitrary, ({ layout, commits, vgroups, blockRows }) => {
        const one = build({ layout, blockRows }, commitsToEntries(layout, commits, vgroups).entries);
        const other = build({ layout }, commitsToEntries(layout, commits, 1).entries);
        expect(sumOf(one.info)).toBe(sumOf(other.info));
      }),
    );
  });

  it('gives some columns of some rows alone', () => {
    const part = caseArbitrary.chain((built) =>
      fc.record({
        built: fc.constant(built),
        columns: fc.subarray(built.layout.columns.map(({ name }) => name)),
        from: fc.nat(25),
        length: fc.nat(25),
      }),
    );
    fc.assert(
      fc.property(part, ({ built: { layout, commits, vgroups }, columns, from, length }) => {
        const reader = readerOf(build({ layout }, commitsToEntries(layout, commits, vgroups).entries), layout);
        if (reader.info.blocks.length === 0) return;
        const { rows } = reader.info.blocks[0]!;
        const range = { from: Math.min(from, rows), to: Math.min(from + length, rows) };
        const whole = now(reader.block(0));
        const block = now(reader.block(0, { columns, rows: range }));
        const expected = Array.from({ length: range.to - range.from }, (_, at) => rowOf(whole, range.from + at));
        expect(Array.from({ length: block.rows }, (_, row) => rowOf(block, row))).toEqual(
          expected.map((row) => Object.fromEntries(Object.entries(row).filter(([name]) => columns.includes(name)))),
        );
        expect([...block.lsns]).toEqual([...whole.lsns].slice(range.from, range.to));
      }),
    );
  });
});
