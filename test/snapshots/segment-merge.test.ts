import { tableFromIPC } from 'apache-arrow';
import fc from 'fast-check';
import { asyncScheduler, toArray } from 'rxjs';
import { InlineCompute } from '../../src/snapshots/compute.js';
import { JOBS } from '../../src/snapshots/jobs.js';
import { addSums, type SegmentInfo } from '../../src/snapshots/segment-format.js';
import { mergeSegments } from '../../src/snapshots/segment-merge.js';
import { SegmentReader } from '../../src/snapshots/segment-reader.js';
import { verifySegment } from '../../src/snapshots/segment-verify.js';
import { planMerge } from '../../src/snapshots/segments/merge-plan.js';
import { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import type { StreamLayout } from '../../src/wal/event-entry.js';
import { now, run } from '../storage/support.js';
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
  rowsOf,
} from './segment-support.js';

const reading = (at: number): Row => ({
  ts: 1000 - at,
  device: `d${(at * 31) % 17}`,
  temperature: at % 13 === 0 ? Number.NaN : at / 3,
  status: at % 5 || undefined,
});

/** Segments of so many rows each, one after the other; and one of all the rows. */
function segments(counts: readonly number[], blockRows?: number): { readonly parts: Built[]; readonly whole: Built } {
  let at = 0;
  const entries = counts.map((count) => {
    const rows = Array.from({ length: count }, () => reading(at++));
    return entriesOf(READINGS, rows, { firstLsn: 10 + at - count, vgroups: 2 });
  });
  const parts = entries.map((part) => build({ layout: READINGS, blockRows }, part));
  return { parts, whole: build({ layout: READINGS }, entries.flat()) };
}

function merge(sources: readonly SegmentReader[], layout: StreamLayout = READINGS): Built {
  const target = fileOf(new Uint8Array(0));
  const info = now(mergeSegments(sources, target, { layout, compute: new InlineCompute(JOBS, hash) }));
  return { info: JSON.parse(JSON.stringify(info)) as SegmentInfo, bytes: now(target.read(0, now(target.size()))) };
}

const sumOf = ({ info }: Built): string => addSums(info.blocks.map(({ sum }) => sum));
const faults = (built: Built, layout = READINGS) => now(verifySegment(readerOf(built, layout), hash).pipe(toArray()));
const blockBytes = ({ info, bytes }: Built, at: number) => {
  const { offset, bytes: length } = info.blocks[at]!;
  return Buffer.from(bytes.subarray(offset, offset + length));
};

describe('Merging segments', () => {
  it('gives the rows and the sum of a segment that was built of everything', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(40), { maxLength: 5 }), fc.integer({ min: 1, max: 50 }), (counts, blockRows) => {
        const { parts, whole } = segments(counts, blockRows);
        const merged = merge(parts.map((part) => readerOf(part, READINGS)));
        expect(rowsOf(readerOf(merged, READINGS))).toEqual(rowsOf(readerOf(whole, READINGS)));
        expect(sumOf(merged)).toBe(sumOf(whole));
        expect(merged.info.blocks).toHaveLength(whole.info.blocks.length);
        expect(faults(merged)).toEqual([]);
        expect(merged.info.bytes).toBe(merged.bytes.length);
      }),
    );
  });

  it('copies large blocks as they are, and brings small ones together', () => {
    const { parts, whole } = segments([5_000, 100, 200, 4_096, 300]);
    const merged = merge(parts.map((part) => readerOf(part, READINGS)));
    expect(merged.info.blocks.map(({ rows }) => rows)).toEqual([5_000, 300, 4_096, 300]);
    expect(blockBytes(merged, 0)).toEqual(blockBytes(parts[0]!, 0));
    expect(blockBytes(merged, 2)).toEqual(blockBytes(parts[3]!, 0));
    expect(blockBytes(merged, 3)).toEqual(blockBytes(parts[4]!, 0));
    expect(merged.info.blocks[2]).toEqual({ ...parts[3]!.info.blocks[0]!, offset: merged.info.blocks[2]!.offset });
    expect(sumOf(merged)).toBe(sumOf(whole));
    expect(tableFromIPC(merged.bytes).numRows).toBe(9_696);
  });

  it('can be done again and again', () => {
    const { parts, whole } = segments([3_000, 3_000, 3_000]);
    const [first, second, third] = parts.map((part) => readerOf(part, READINGS));
    const merged = merge([readerOf(merge([first!, second!]), READINGS), third!]);
    expect(sumOf(merged)).toBe(sumOf(whole));
    expect(rowsOf(readerOf(merged, READINGS))).toEqual(rowsOf(readerOf(whole, READINGS)));
  });

  it('writes blocks of an older version of the schema anew, their sums kept', () => {
    const newer = { ...READINGS, version: 2, columns: [...READINGS.columns, column('unit', 'string', 'value', true)] };
    const old = build(
      { layout: READINGS },
      entriesOf(
        READINGS,
        Array.from({ length: 5_000 }, (_, at) => reading(at)),
        { firstLsn: 1 },
      ),
    );
    const recent = build({ layout: newer }, entriesOf(newer, [{ ...reading(1), unit: 'K' }], { firstLsn: 9_000 }));
    const merged = merge([readerOf(old, READINGS), readerOf(recent, newer)], newer);
    expect(merged.info).toMatchObject({ version: 2, blocks: [{ rows: 5_001 }] });
    expect(sumOf(merged)).toBe(addSums([sumOf(old), sumOf(recent)]));
    const rows = rowsOf(readerOf(merged, newer));
    expect(rows.map(({ row }) => row.unit).findIndex((unit) => unit !== undefined)).toBe(5_000);
    expect(rows.slice(0, 5_000)).toEqual(
      rowsOf(readerOf(old, READINGS)).map(({ lsn, row }) => ({ lsn, row: { ...row, unit: undefined } })),
    );
    expect(faults(merged, newer)).toEqual([]);
  });

  it('keeps the index of derived rows', () => {
    const derived = (first: number) => {
      const [entry] = entriesOf(READINGS, [reading(1), reading(2), reading(3)], { firstLsn: 0 });
      const positions = { lsns: Float64Array.of(first, first, first + 1), indexes: Int32Array.of(0, 1, 0) };
      return readerOf(build({ layout: READINGS, indexed: true }, [{ ...entry!, positions }]), READINGS);
    };
    const merged = readerOf(merge([derived(5), derived(8)]), READINGS);
    const block = now(merged.block(0));
    expect(Array.from(block.orderByPosition(), (row) => [block.lsns[row], block.indexes![row]])).toEqual([
      [5, 0],
      [5, 1],
      [6, 0],
      [8, 0],
      [8, 1],
      [9, 0],
    ]);
  });

  it('works with a disk and a worker that take their time', async () => {
    const { parts, whole } = segments([5_000, 100, 200]);
    const storage = new SimulatedStorage({ scheduler: asyncScheduler });
    const sources: SegmentReader[] = [];
    for (const { info, bytes } of parts) {
      const file = await run(storage.open(`/part-${sources.length}`, { create: true }));
      await run(file.write([bytes], 0));
      sources.push(new SegmentReader(file, info, READINGS, hash));
    }
    const compute = new InlineCompute(JOBS, hash, { scheduler: asyncScheduler, latency: 1 });
    const target = await run(storage.open('/merged', { create: true }));
    const info = await run(mergeSegments(sources, target, { layout: READINGS, compute }));
    const merged = { info, bytes: await run(target.read(0, info.bytes)) };
    expect(rowsOf(readerOf(merged, READINGS))).toEqual(rowsOf(readerOf(whole, READINGS)));
  });

  it('notices damage in what it copies and in what it sorts', () => {
    for (const counts of [
      [5_000, 5_000],
      [50, 50],
    ]) {
      const { parts } = segments(counts);
      parts[1]!.bytes[parts[1]!.info.blocks[0]!.offset + 2_000]! ^= 4;
      expect(() => merge(parts.map((part) => readerOf(part, READINGS)))).toThrow('the checksum of this page is wrong');
    }
  });

  it('is planned in steps that never hold more than a block', () => {
    const { info: about } = build({ layout: READINGS }, []);
    const [block] = segments([1]).parts[0]!.info.blocks;
    const info = (rows: number[], version = 1): SegmentInfo => ({
      ...about,
      version,
      blocks: rows.map((count) => ({ ...block!, rows: count, bytes: count * 50 })),
    });
    const plan = planMerge(
      [info([65_536, 1]), info([...Array(20).fill(4_000)]), info([65_536, 65_536], 0), info([7])],
      1,
    );
    expect(plan.map((step) => (step.kind === 'copy' ? `${step.segment}/${step.block}` : step.blocks.length))).toEqual([
      '0/0',
      17,
      4,
      1,
      1,
      '3/0',
    ]);
  });
});
