import { sumEntries } from '../../src/snapshots/segment-builder.js';
import { addSums, fromHex, toHex } from '../../src/snapshots/segment-format.js';
import { packEntries } from '../../src/snapshots/segments/packed-entries.js';
import type { StreamLayout } from '../../src/wal/event-entry.js';
import { now } from '../storage/support.js';
import { build, column, entriesOf, hash, type Row, readerOf } from './segment-support.js';

const LAYOUT: StreamLayout = {
  id: 9,
  version: 1,
  columns: [
    column('ts', 'timestamp', 'time'),
    column('name', 'string', 'key'),
    column('flag', 'bool', 'value', true),
    column('data', 'bytes', 'value', true),
    column('small', 'float32'),
    column('large', 'float64'),
    column('whole', 'int32'),
    column('big', 'int64'),
  ],
};

const row = (at: number, more: Row = {}): Row => ({
  ts: 1000 + at,
  name: `n${at % 3}`,
  flag: at % 2 === 0 ? undefined : at % 3 === 0,
  data: at % 4 === 0 ? undefined : new Uint8Array(at).fill(7),
  small: at / 2,
  large: -at / 3,
  whole: -at,
  big: BigInt(-at) * 2n ** 40n,
  ...more,
});
const ROWS = Array.from({ length: 9 }, (_, at) => row(at));

/** The canonical row, put down once more from its description. */
function canonical(row: Row, lsn: number | null): Buffer {
  const parts: Buffer[] = [];
  const put = (bytes: number, write: (to: Buffer) => unknown) => {
    const part = Buffer.alloc(bytes);
    write(part);
    parts.push(part);
  };
  if (lsn !== null) put(12, (to) => to.writeBigUInt64LE(BigInt(lsn)));
  for (const { name, type } of [...LAYOUT.columns].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const value = row[name];
    if (value === undefined) continue;
    put(4, (to) => to.writeUInt32LE(Number(hash(Buffer.from(`${type}:${name}`)) & 0xffffffffn)));
    if (type === 'timestamp' || type === 'int64') put(8, (to) => to.writeBigInt64LE(BigInt(value as number | bigint)));
    else if (type === 'int32' || type === 'bool') put(4, (to) => to.writeInt32LE(Number(value)));
    else if (type === 'float64') put(8, (to) => to.writeDoubleLE(value as number));
    else if (type === 'float32') put(4, (to) => to.writeFloatLE(value as number));
    else {
      const bytes = Buffer.from(value as string);
      put(4, (to) => to.writeUInt32LE(bytes.length));
      put(Math.ceil(bytes.length / 4) * 4, (to) => bytes.copy(to));
    }
  }
  return Buffer.concat(parts);
}

const sumOf = (rows: readonly Row[], firstLsn = 50, layout = LAYOUT): string =>
  addSums(
    build({ layout, blockRows: 4 }, entriesOf(layout, rows, { firstLsn, vgroups: 2 })).info.blocks.map(
      ({ sum }) => sum,
    ),
  );
const changed = (at: number, more: Row): Row[] =>
  ROWS.map((found, place) => (place === at ? { ...found, ...more } : found));

describe('The sum of a segment', () => {
  it('is that of the hashes of its canonical rows', () => {
    const hashes = ROWS.map((row, at) => toHex(hash(canonical(row, 50 + at))));
    expect(sumOf(ROWS)).toBe(addSums(hashes));
  });

  it('is a sum modulo 2^64', () => {
    expect(addSums(['ffffffffffffffff', '0000000000000002'])).toBe('0000000000000001');
    expect(fromHex('00000000000000ff')).toBe(255n);
  });

  it('depends on where each row stands, and on every value', () => {
    const sums = [
      sumOf(ROWS),
      sumOf(ROWS, 51),
      sumOf([ROWS[1]!, ROWS[0]!, ...ROWS.slice(2)]),
      sumOf(changed(3, { flag: undefined })),
      sumOf(changed(3, { flag: !ROWS[3]!.flag })),
      sumOf(changed(3, { data: new Uint8Array(3) })),
      sumOf(changed(3, { data: new Uint8Array(4) })),
      sumOf(changed(3, { data: undefined })),
      sumOf(changed(3, { name: '' })),
      sumOf(changed(0, { large: 0 })),
      sumOf(changed(0, { large: -0 })),
      sumOf(changed(0, { large: Number.NaN })),
      sumOf(changed(0, { small: Number.NaN })),
      sumOf(changed(0, { big: 1n })),
    ];
    // The first row has -0 already.
    expect(new Set(sums).size).toBe(sums.length - 1);
  });

  it('takes every NaN for the same', () => {
    const withBits = (bits: bigint): number => new Float64Array(BigUint64Array.of(bits).buffer)[0]!;
    const sums = [0x7ff8000000000000n, 0xfff8000000000000n, 0x7ff8000000000123n].map((bits) =>
      sumOf(changed(2, { large: withBits(bits) })),
    );
    expect(new Set(sums).size).toBe(1);
  });

  it('is the same before and after a column was added that the rows have no value for', () => {
    const wider = { ...LAYOUT, version: 2, columns: [...LAYOUT.columns, column('added', 'int32', 'value', true)] };
    expect(sumOf(ROWS, 50, wider)).toBe(sumOf(ROWS));
    expect(sumOf(changed(0, { added: 0 }), 50, wider)).not.toBe(sumOf(ROWS));
  });

  it('can be taken of entries without a segment', () => {
    const input = packEntries(entriesOf(LAYOUT, ROWS, { firstLsn: 50 }));
    const { answer, output } = sumEntries({ name: 'sumEntries', parameters: { layout: LAYOUT }, input }, hash);
    expect(answer).toEqual({ rows: 9, sum: sumOf(ROWS) });
    expect(output).toEqual([]);
  });

  it('can leave positions out, to compare contents', () => {
    const sumsOf = (rows: readonly Row[], firstLsn: number) => {
      const reader = readerOf(build({ layout: LAYOUT }, entriesOf(LAYOUT, rows, { firstLsn })), LAYOUT);
      return [true, false].map((positions) => now(reader.sum(0, { positions })));
    };
    const [placed, contents] = sumsOf(ROWS, 50);
    expect(contents).toBe(addSums(ROWS.map((row) => toHex(hash(canonical(row, null))))));
    const [placedElsewhere, sameContents] = sumsOf(ROWS.toReversed(), 900);
    expect(sameContents).toBe(contents);
    expect(placedElsewhere).not.toBe(placed);
  });
});
