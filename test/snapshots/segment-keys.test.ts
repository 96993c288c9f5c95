import fc from 'fast-check';
import type { Key, SegmentInfo } from '../../src/snapshots/segment-format.js';
import { SegmentReader } from '../../src/snapshots/segment-reader.js';
import { compareKeys } from '../../src/snapshots/segments/key-order.js';
import { keyOrder } from '../../src/snapshots/segments/key-ranks.js';
import type { StorageFile } from '../../src/storage/storage.js';
import type { StreamLayout } from '../../src/wal/event-entry.js';
import { now } from '../storage/support.js';
import {
  type Built,
  build,
  column,
  entriesOf,
  fileOf,
  hash,
  READINGS,
  type Row,
  readerOf,
  rowOf,
} from './segment-support.js';

const TWO_KEYS: StreamLayout = {
  id: 2,
  version: 1,
  columns: [
    column('ts', 'timestamp', 'time'),
    column('unit', 'int64', 'key'),
    column('on', 'bool', 'key'),
    column('text', 'string', 'value', true),
  ],
};

const reading = (at: number, device: string): Row => ({
  ts: at,
  device,
  temperature: at / 4,
  status: at % 3 || undefined,
});

function segment(rows: readonly Row[], layout = READINGS): Built {
  return build({ layout }, entriesOf(layout, rows, { firstLsn: 1 }));
}

/** Counts the bytes that are read. */
function counted({ info, bytes }: Built, layout: StreamLayout): { reader: SegmentReader; read: () => number } {
  const file = fileOf(bytes);
  let total = 0;
  const counting: StorageFile = Object.create(file, {
    path: { value: file.path },
    read: {
      value: (position: number, length: number) => {
        total += length;
        return file.read(position, length);
      },
    },
  });
  return { reader: new SegmentReader(counting, info, layout, hash), read: () => total };
}

describe('The rows of a key', () => {
  it('are found by the block and by the reader alike, also of keys that are not there', () => {
    const keys = ['', 'a', 'b', 'c', 'é', '😀', 'x'.repeat(300)];
    const some = fc.array(fc.constantFrom(...keys), { minLength: 1, maxLength: 400 });
    fc.assert(
      fc.property(some, fc.constantFrom(...keys, 'aa', 'zz'), (devices, wanted) => {
        const reader = readerOf(segment(devices.map((device, at) => reading(at, device))), READINGS);
        const block = now(reader.block(0));
        const range = now(reader.rowsOfKey(0, [wanted]));
        expect(range.to - range.from).toBe(devices.filter((device) => device === wanted).length);
        for (let row = range.from; row < range.to; row++) expect(rowOf(block, row).device).toBe(wanted);
        expect(block.rowsOfKey([wanted])).toEqual(range);
      }),
    );
  });

  it('are found by several key columns', () => {
    const rows = Array.from({ length: 500 }, (_, at) => ({
      ts: at,
      unit: BigInt((at * 7) % 5) - 2n,
      on: at % 3 === 0,
      text: `${at}`,
    }));
    const reader = readerOf(segment(rows, TWO_KEYS), TWO_KEYS);
    for (const unit of [-2n, -1n, 0n, 1n, 2n, 3n]) {
      for (const on of [true, false]) {
        const range = now(reader.rowsOfKey(0, [unit, on]));
        const { columns, rows: count } = now(reader.block(0, { columns: ['ts'], rows: range, positions: false }));
        const expected = rows.filter((row) => row.unit === unit && row.on === on).map(({ ts }) => ts);
        expect([...(columns[0] as Float64Array)].slice(0, count)).toEqual(expected);
      }
    }
  });

  it('are the bounds of their block', () => {
    const boundsOf = ({ blocks }: SegmentInfo): unknown[] => [blocks[0]!.firstKey, blocks[0]!.lastKey];
    expect(boundsOf(segment(['b', 'c', 'a'].map((device, at) => reading(at, device))).info)).toEqual([['a'], ['c']]);
    expect(boundsOf(segment([{ ts: 1, unit: -(2n ** 62n), on: true, text: undefined }], TWO_KEYS).info)[0]).toEqual([
      '-4611686018427387904',
      true,
    ]);
    expect(boundsOf(segment([reading(1, 'x'.repeat(300)), reading(1, 'a')]).info)).toEqual([['a'], null]);
    const keyless = { ...READINGS, columns: [column('ts', 'timestamp', 'time')] };
    expect(boundsOf(segment([{ ts: 1 }], keyless).info)).toEqual([null, null]);
  });

  it('are read without the rest of the block', () => {
    const rows = Array.from({ length: 65_536 }, (_, at) => reading(at, `device-${(at * 7_919) % 1_000}`));
    const built = segment(rows);
    const { reader, read } = counted(built, READINGS);
    const key: Key = ['device-123'];
    const range = now(reader.rowsOfKey(0, key));
    const block = now(reader.block(0, { rows: range }));
    const expected = rows.filter(({ device }) => device === 'device-123');
    expect(Array.from({ length: block.rows }, (_, row) => rowOf(block, row))).toEqual(expected);
    expect(read()).toBeLessThan(built.bytes.length / 10);
  });

  it('are read as a block of their own, without the key columns', () => {
    const rows = Array.from(
      { length: 300 },
      (_, at): Row => ({
        ...reading(at, `d${at % 3}`),
        unit: BigInt(at % 2),
        on: at % 3 === 0,
      }),
    );
    const layout = { ...TWO_KEYS, columns: [...READINGS.columns, ...TWO_KEYS.columns.slice(1)] };
    const reader = readerOf(segment(rows, layout), layout);
    const block = now(reader.blockOfKey(0, ['d0', 1n, true]));
    const expected = rows.filter(({ device, unit }) => device === 'd0' && unit === 1n);
    expect(Array.from({ length: block.rows }, (_, row) => rowOf(block, row))).toEqual(expected);
    expect([...block.lsns]).toEqual(expected.map(({ ts }) => 1 + (ts as number)));
    expect(block.keys).toBe(1);
    expect(now(reader.blockOfKey(0, ['d0', 1n, false])).rows).toBe(0);
    const part = now(reader.blockOfKey(0, ['d0', 1n, true], { columns: ['device', 'temperature'], positions: false }));
    expect(rowOf(part, 1)).toEqual({ device: 'd0', temperature: expected[1]!.temperature });
  });

  it('are found where every row has its own key, and where keys are long', () => {
    for (const length of [5, 2_000, 20_000]) {
      const keyOf = (at: number): string => `${at}`.padStart(length, '0');
      const rows = Array.from({ length: 500 }, (_, at) => reading(at, keyOf((at * 7) % 500)));
      const reader = readerOf(segment(rows), READINGS);
      for (const at of [0, 1, 250, 499])
        expect(now(reader.rowsOfKey(0, [keyOf(at)]))).toEqual({ from: at, to: at + 1 });
    }
  });

  it('do not make a block too large where a long key has many of them', () => {
    const long = 'x'.repeat(1024 * 1024);
    const rows = Array.from({ length: 180 }, (_, at) => reading(at, at < 100 ? 'a' : long));
    const { info } = segment(rows);
    expect(info.blocks.map((block) => block.rows)).toEqual([163, 17]);
    expect(Math.max(...info.blocks.map((block) => block.bytes))).toBeLessThan(65 * 1024 * 1024);
  });
});

describe('The order of keys', () => {
  it('is the same for keys that are ranked as for two that are compared', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 5 }),
      fc.string({ maxLength: 9 }),
      fc.constantFrom('a', 'a\u0000', 'aaaaaaaaa', 'aaaaaaaab'),
    );
    const parts = [
      text,
      fc.oneof(fc.integer(), fc.constantFrom(-(2 ** 31), 2 ** 31 - 1)),
      fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
      fc.boolean(),
    ];
    const keys = fc.oneof(...parts.map((first) => fc.array(fc.tuple(first, text), { maxLength: 40 })));
    fc.assert(
      fc.property(keys, (found) => {
        const sorted = Array.from(keyOrder(found), (at) => found[at]!);
        expect(sorted).toEqual(found.toSorted(compareKeys));
      }),
    );
  });
});

describe('A block with some of its columns', () => {
  it('reads the pages of these alone', () => {
    const built = segment(Array.from({ length: 65_536 }, (_, at) => reading(at, `d${at % 1_000}`)));
    const { reader, read } = counted(built, READINGS);
    const block = now(reader.block(0, { columns: ['temperature'], positions: false }));
    expect(block.columns[0]).toHaveLength(65_536);
    expect(block.layout.columns.map(({ name }) => name)).toEqual(['temperature']);
    expect(read()).toBeLessThan(65_536 * 8 + 64 * 1024);
    expect(now(reader.block(0, { columns: ['temperature'], positions: false })).layout).toBe(block.layout);
  });

  it('refuses a column that there is none of', () => {
    const reader = readerOf(segment([reading(1, 'a')]), READINGS);
    expect(() => now(reader.block(0, { columns: ['humidity'] }))).toThrow('There is no column "humidity"');
  });
});
