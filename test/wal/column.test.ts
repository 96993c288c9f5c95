import { deepStrictEqual } from 'node:assert/strict';
import fc from 'fast-check';
import { type ColumnType, createColumnBuilder, FixedColumnBuilder, isVariable, widthOf } from '../../src/wal/column.js';
import { decodeRows, encodeRows, type StoredRow, TYPES, valuesOf } from '../support/log-codec.js';

const layoutOf = (type: ColumnType, optional: boolean) => ({
  id: 1,
  version: 1,
  columns: [{ name: 'c', type, role: 'value', optional } as const],
});

/** The bytes of a column that has these values, in groups of eight. */
function hexOf(type: ColumnType, optional: boolean, values: readonly unknown[]): string {
  const bytes = encodeRows(
    layoutOf(type, optional),
    values.map((value) => [value]),
  ).subarray(32);
  return bytes.toString('hex').replace(/(.{16})(?=.)/g, '$1 ');
}

describe('the bytes of a column', () => {
  it.each<[ColumnType, readonly unknown[], string]>([
    ['timestamp', [1], '000000000000f03f'],
    ['float64', [-2.5, -0], '00000000000004c0 0000000000000080'],
    ['float64', [Number.NaN, Number.NEGATIVE_INFINITY], '000000000000f87f 000000000000f0ff'],
    ['float32', [1.5, -0, Number.POSITIVE_INFINITY], '0000c03f00000080 0000807f00000000'],
    ['int32', [1, -1, 258], '01000000ffffffff 0201000000000000'],
    ['int64', [-2n, 2n ** 62n], 'feffffffffffffff 0000000000000040'],
    ['bool', [true, false, true], '0100010000000000'],
    // Offsets 0, 2, 2, 5; then the bytes that they cut.
    ['string', ['ü', '', 'abc'], '0000000002000000 0200000005000000 c3bc616263000000'],
    ['json', ['[1]'], '0000000003000000 5b315d0000000000'],
    ['bytes', [Uint8Array.of(9, 8)], '0000000002000000 0908000000000000'],
    ['bytes', [new Uint8Array(0)], '0000000000000000'],
  ])('%s %p', (type, values, hex) => {
    expect(hexOf(type, false, values)).toBe(hex);
  });

  it.each<[ColumnType, readonly unknown[], string]>([
    ['float64', [undefined, 1], '0200000000000000 0000000000000000 000000000000f03f'],
    ['int64', [1n, undefined], '0100000000000000 0100000000000000 0000000000000000'],
    ['bool', [false, undefined, true], '0500000000000000 0000010000000000'],
    ['string', [undefined, 'a', ''], '0600000000000000 0000000000000000 0100000001000000 6100000000000000'],
    // The ninth row is the first bit of the second byte.
    ['int32', [...Array(8).fill(undefined), 7], `0001000000000000${' 0000000000000000'.repeat(4)} 0700000000000000`],
  ])('%s, optional: a bitmap of the rows that have a value first %p', (type, values, hex) => {
    expect(hexOf(type, true, values)).toBe(hex);
  });
});

describe.each(TYPES)('a column of %s', (type) => {
  const rows = (optional: boolean) =>
    fc.array(fc.tuple(optional ? fc.option(valuesOf(type), { nil: undefined }) : valuesOf(type)), {
      minLength: 1,
      maxLength: 70,
    });

  it.each([false, true])('gives back what was put in (optional: %s)', (optional) => {
    fc.assert(
      fc.property(rows(optional), (stored: StoredRow[]) => {
        const layout = layoutOf(type, optional);
        const found = decodeRows(layout, encodeRows(layout, stored));
        deepStrictEqual(
          found,
          stored.map(([value]) => [rounded(type, value)]),
        );
      }),
      { numRuns: 60 },
    );
  });

  it('keeps a hundred thousand rows', () => {
    const [some] = fc.sample(fc.array(valuesOf(type), { minLength: 64, maxLength: 64 }), { seed: 7, numRuns: 1 });
    const stored = Array.from({ length: 100_000 }, (_, row) => [row % 5 === 0 ? undefined : some![row % 64]]);
    const layout = layoutOf(type, true);
    const found = decodeRows(layout, encodeRows(layout, stored));
    const isSame = (row: number) => same(found[row]![0], rounded(type, stored[row]![0]));
    expect(found).toHaveLength(100_000);
    expect(stored.findIndex((_, row) => !isSame(row))).toBe(-1);
  });
});

describe('a column that is being filled', () => {
  it('takes many values at once as one by one', () => {
    const values = Float64Array.from([1, Number.NaN, -0, 3]);
    for (const optional of [false, true]) {
      const layout = { name: 'c', type: 'float64', role: 'value', optional } as const;
      const [single, many] = [new FixedColumnBuilder(layout), new FixedColumnBuilder(layout)];
      for (const column of [single, many]) column.reserve(8);
      values.forEach((value, row) => {
        single.set(row, value);
      });
      many.setMany(0, values);
      const bytes = [single, many].map((column) => {
        const target = new Uint8Array(column.byteLength(4));
        column.encode(4, target, 0);
        return target;
      });
      expect(bytes[1]).toEqual(bytes[0]);
    }
  });

  it('counts the bytes of its values as they come', () => {
    const column = createColumnBuilder({ name: 'c', type: 'string', role: 'value', optional: true });
    column.reserve(4);
    ['grün', '', undefined, '🌾'].forEach((value, row) => {
      column.set(row, value);
    });
    expect('bytesUsed' in column && [0, 1, 2, 3, 4].map((rows) => column.bytesUsed(rows))).toEqual([0, 5, 5, 5, 9]);
  });

  it('knows how wide a value is before it sees one', () => {
    expect(TYPES.map((type) => [type, widthOf(type), isVariable(type)])).toEqual([
      ['timestamp', 8, false],
      ['string', 4, true],
      ['bool', 1, false],
      ['int32', 4, false],
      ['int64', 8, false],
      ['float32', 4, false],
      ['float64', 8, false],
      ['json', 4, true],
      ['bytes', 4, true],
    ]);
  });
});

function rounded(type: ColumnType, value: unknown): unknown {
  return type === 'float32' && typeof value === 'number' ? Math.fround(value) : value;
}

function same(found: unknown, stored: unknown): boolean {
  if (found instanceof Uint8Array && stored instanceof Uint8Array) return Buffer.compare(found, stored) === 0;
  return Object.is(found, stored);
}
