import type { MillraceError } from '../../src/errors.js';
import { faultInBounds } from '../../src/snapshots/segment-bounds.js';
import { type BlockInfo, endOf, startOf } from '../../src/snapshots/segment-format.js';
import { compareKeys } from '../../src/snapshots/segments/key-order.js';
import { type PlacedEntry, packEntries } from '../../src/snapshots/segments/packed-entries.js';
import type { StreamLayout } from '../../src/wal/event-entry.js';
import { now } from '../storage/support.js';
import { build, column, entriesOf, READINGS, type Row, readerOf, rowsOf } from './segment-support.js';

const reading = (at: number, device = `d${at % 7}`): Row => ({
  ts: at,
  device,
  temperature: at / 4,
  status: undefined,
});
const readings = (count: number): Row[] => Array.from({ length: count }, (_, at) => reading(at));

describe('Building a segment', () => {
  it('takes 100,000 entries of one row each in a moment', () => {
    const entries: PlacedEntry[] = [];
    // Entries of the same row differ in their lsn only.
    const [first, second] = [
      entriesOf(READINGS, [reading(1)], { firstLsn: 0 })[0]!,
      entriesOf(READINGS, [reading(2)], { firstLsn: 0 })[0]!,
    ];
    for (let at = 0; at < 100_000; at++) entries.push({ bytes: (at % 3 ? first : second).bytes, firstLsn: 3 * at });
    const { info, bytes } = build({ layout: READINGS }, entries);
    expect(info.blocks.map(({ rows, firstLsn, lastLsn }) => [rows, firstLsn, lastLsn])).toEqual([
      [65_536, 0, 3 * 65_535],
      [34_464, 3 * 65_536, 299_997],
    ]);
    const block = now(readerOf({ info, bytes }, READINGS).block(1));
    expect(block.rowsOfKey(['d2'])).toEqual({ from: 22_976, to: 34_464 });
  });

  it('takes rows of older versions of the schema, which lack a column', () => {
    const newer = { ...READINGS, version: 2, columns: [column('unit', 'string', 'value', true), ...READINGS.columns] };
    const entries = [
      ...entriesOf(READINGS, readings(5), { firstLsn: 10 }),
      ...entriesOf(newer, [{ ...reading(6), unit: 'K' }], { firstLsn: 20 }),
    ];
    const reader = readerOf(build({ layout: newer, older: [READINGS] }, entries), newer);
    expect(reader.info.version).toBe(2);
    expect(rowsOf(reader).map(({ row }) => row.unit)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
      'K',
    ]);
    expect(now(reader.block(0)).columns[2]).toBeInstanceOf(Object);
  });

  it('refuses rows of an older version that do not fit', () => {
    const refusal = (columns: StreamLayout['columns']) => {
      try {
        build({ layout: { ...READINGS, version: 2, columns }, older: [READINGS] }, []);
      } catch (error) {
        return `${(error as MillraceError).code}: ${(error as MillraceError).message}`;
      }
      return null;
    };
    const [ts, device, temperature, status] = READINGS.columns;
    expect(refusal([ts!, device!, temperature!])).toBeNull();
    expect(refusal([...READINGS.columns, column('unit', 'string')])).toMatch(
      /^SCHEMA_CHANGED: .*"unit" was added and is not optional/,
    );
    expect(refusal([ts!, device!, column('temperature', 'int32')])).toMatch(/was float64 and is int32/);
    expect(refusal([ts!, device!, column('status', 'int32')])).toMatch(/was optional and is not any more/);
    expect(refusal([ts!, column('device', 'string')])).toMatch(/became a key column, or is none any more/);
    expect(refusal([ts!, status!])).toMatch(/key column "device" was dropped/);
  });

  it('refuses an entry whose version of the schema it was not given', () => {
    const entries = entriesOf({ ...READINGS, version: 5 }, readings(1), { firstLsn: 1 });
    expect(() => build({ layout: READINGS }, entries)).toThrow('was not given: 5');
  });

  it('keeps the index of derived rows', () => {
    const [entry] = entriesOf(READINGS, readings(6), { firstLsn: 0 });
    const positions = {
      lsns: Float64Array.of(5, 5, 5, 2 ** 40, 2 ** 40, 2 ** 41),
      indexes: Int32Array.of(0, 1, 70_000, 0, 1, 0),
    };
    const reader = readerOf(
      build({ layout: READINGS, indexed: true, blockRows: 4 }, [{ ...entry!, positions }]),
      READINGS,
    );
    const found = reader.info.blocks.flatMap((_, at) => {
      const block = now(reader.block(at));
      return Array.from(block.orderByPosition(), (row) => [block.lsns[row], block.indexes![row]]);
    });
    expect(found).toEqual(Array.from(positions.lsns, (lsn, at) => [lsn, positions.indexes[at]]));
    expect(rowsOf(reader).map(({ row }) => row.ts)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(reader.info.blocks.map((block) => [startOf(block), endOf(block)])).toEqual([
      [
        { lsn: 5, index: 0 },
        { lsn: 2 ** 40, index: 1 },
      ],
      [
        { lsn: 2 ** 40, index: 1 },
        { lsn: 2 ** 41, index: 1 },
      ],
    ]);
    const [block] = reader.info.blocks;
    const fault = (info: BlockInfo) => faultInBounds(now(reader.block(0)), info);
    expect(fault(block!)).toBeNull();
    expect(fault({ ...block!, firstIndex: 1 })).toMatch('indexes 0 to 0 in place of 1 to 0');
    expect(fault({ ...block!, lastIndex: 2 })).toMatch('indexes 0 to 0 in place of 0 to 2');
  });

  it('closes a block before its values take more than 64 MiB', () => {
    const layout: StreamLayout = {
      id: 1,
      version: 1,
      columns: [column('ts', 'timestamp', 'time'), column('blob', 'bytes')],
    };
    const blob = new Uint8Array(15 * 1024 * 1024).fill(1);
    const entries = [0, 1].flatMap((at) =>
      entriesOf(layout, Array(5).fill({ ts: at, blob }), { firstLsn: 1 + at * 5 }),
    );
    expect(build({ layout }, entries).info.blocks.map(({ rows }) => rows)).toEqual([4, 4, 2]);
  });

  it('leaves entries where they are that lie in larger chunks of shared memory', () => {
    const [entry] = entriesOf(READINGS, readings(3), { firstLsn: 1 });
    const chunk = new Uint8Array(new SharedArrayBuffer(65_536));
    chunk.set(entry!.bytes, 800);
    const inChunk = chunk.subarray(800, 800 + entry!.bytes.length);
    const input = packEntries([{ bytes: inChunk, firstLsn: 1 }, entry!]);
    expect(input).toHaveLength(3);
    expect(input[1]!.buffer).toBe(chunk.buffer);
    expect(input.every(({ buffer }) => buffer instanceof SharedArrayBuffer)).toBe(true);
    const reader = readerOf(
      build({ layout: READINGS }, [
        { bytes: inChunk, firstLsn: 1 },
        { ...entry!, firstLsn: 9 },
      ]),
      READINGS,
    );
    expect(rowsOf(reader).map(({ lsn }) => lsn)).toEqual([1, 2, 3, 9, 10, 11]);
  });

  it('orders keys as their UTF-8 bytes are ordered', () => {
    const texts = ['', 'a', 'ab', 'b', 'é', '漢', '\ud7ff', '\ue000', '\uffff', '😀', '😀a', '𐀀', 'z\u{10ffff}'];
    for (const a of texts) {
      for (const b of texts) {
        expect(Math.sign(compareKeys([a], [b]))).toBe(Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b))));
      }
    }
    expect(compareKeys([1, 'b'], [1, 'a'])).toBeGreaterThan(0);
    expect(compareKeys([-3n, true], [-2n, false])).toBeLessThan(0);
    expect(compareKeys([false], [true])).toBeLessThan(0);
  });
});
