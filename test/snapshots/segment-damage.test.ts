import { toArray } from 'rxjs';
import type { MillraceError } from '../../src/errors.js';
import { SegmentReader } from '../../src/snapshots/segment-reader.js';
import { verifySegment } from '../../src/snapshots/segment-verify.js';
import { now } from '../storage/support.js';
import { type Built, build, entriesOf, fileOf, hash, READINGS, type Row, readerOf } from './segment-support.js';

const rows = (count: number): Row[] =>
  Array.from({ length: count }, (_, at) => ({
    ts: at,
    device: `d${at % 5}`,
    temperature: at / 3,
    status: at % 4 || undefined,
  }));

function segment(count: number, blockRows: number): Built {
  return build({ layout: READINGS, blockRows }, entriesOf(READINGS, rows(count), { firstLsn: 1 }));
}

function damaged({ info, bytes }: Built, at: number, mask = 1): SegmentReader {
  const copy = bytes.slice();
  copy[at]! ^= mask;
  return readerOf({ info, bytes: copy }, READINGS);
}

function failure(action: () => unknown): MillraceError {
  try {
    action();
  } catch (error) {
    return error as MillraceError;
  }
  throw new Error('nothing failed');
}

const faults = (reader: SegmentReader) => now(verifySegment(reader, hash).pipe(toArray()));

describe('A damaged segment', () => {
  it('is noticed in every byte of a block, by who reads the block', () => {
    const built = segment(60, 30);
    const { offset, bytes } = built.info.blocks[1]!;
    for (let at = offset; at < offset + bytes; at++) {
      const reader = damaged(built, at, 1 << (at % 8));
      expect(failure(() => now(reader.block(1)))).toMatchObject({ code: 'CORRUPT_SEGMENT', path: '/segment', offset });
      expect(now(reader.block(0)).rows).toBe(30);
    }
  });

  it('is noticed in every byte of the file, by who verifies it', () => {
    const built = segment(10, 5);
    for (let at = 0; at < built.bytes.length; at++) {
      expect(faults(damaged(built, at, 1 << (at % 8))).map(({ code }) => code)).toContain('CORRUPT_SEGMENT');
    }
    expect(faults(readerOf(built, READINGS))).toEqual([]);
  });

  it('is noticed in the directory, by who reads the block that it speaks of', () => {
    const built = segment(60, 30);
    const reader = damaged(built, built.info.directory + 40);
    expect(failure(() => now(reader.block(0)))).toMatchObject({
      code: 'CORRUPT_SEGMENT',
      offset: built.info.directory,
    });
    expect(now(reader.block(1)).rows).toBe(30);
    const noDirectory = damaged(built, built.info.directory + 2);
    expect(failure(() => now(noDirectory.block(1))).code).toBe('CORRUPT_SEGMENT');
  });

  it('still gives the columns that are not on the damaged page', () => {
    const built = segment(8_192, 8_192);
    const [block] = built.info.blocks;
    const reader = damaged(built, block!.offset + block!.bytes - 4 * 8_192);
    expect(now(reader.block(0, { columns: ['ts'], positions: false })).rows).toBe(8_192);
    const error = failure(() => now(reader.block(0, { columns: ['status'] })));
    expect(error).toMatchObject({ code: 'CORRUPT_SEGMENT' });
    expect(error.offset! - block!.offset).toBeGreaterThan(16_384);
    expect(error.message).toMatch(/^\/segment is damaged at byte \d+: the checksum of this page is wrong\. .*backup/);
  });

  it('is noticed where the file was cut', () => {
    const { info, bytes } = segment(60, 30);
    const reader = new SegmentReader(fileOf(bytes.subarray(0, info.blocks[1]!.offset + 10)), info, READINGS, hash);
    expect(failure(() => now(reader.block(0))).code).toBe('CORRUPT_SEGMENT');
    expect(faults(reader).length).toBeGreaterThan(1);
  });

  it('is noticed where rows were changed and all checksums with them', () => {
    const { info, bytes } = segment(60, 30);
    const blocks = info.blocks.map((block) => ({ ...block, sum: '0123456789abcdef' }));
    const reader = readerOf({ info: { ...info, blocks }, bytes }, READINGS);
    expect(faults(reader).map(({ message }) => message)).toEqual([
      expect.stringContaining('the rows of block 0 have a wrong sum'),
      expect.stringContaining('the rows of block 1 have a wrong sum'),
    ]);
  });
});
