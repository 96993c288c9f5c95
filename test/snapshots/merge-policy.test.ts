import fc from 'fast-check';
import {
  MERGE_COUNT_MAX,
  MERGE_COUNT_MIN,
  MERGED_BYTES_MAX,
  type MergeCandidate,
  mergeOf,
  SMALLEST_BYTES,
} from '../../src/snapshots/merge-policy.js';

const MIB = 1024 * 1024;
const of = (sizes: readonly number[], partition = 0): MergeCandidate[] => sizes.map((bytes) => ({ bytes, partition }));

describe('mergeOf', () => {
  it.each<[string, MergeCandidate[], { from: number; to: number } | null]>([
    ['nothing of nothing', [], null],
    ['not three', of([1, 1, 1]), null],
    ['four of one size', of([MIB, MIB, MIB, MIB]), { from: 0, to: 4 }],
    ['four of which none is larger than the others together', of([3 * MIB, MIB, MIB, MIB]), { from: 0, to: 4 }],
    ['not four of which one is', of([4 * MIB, MIB, MIB, MIB]), null],
    ['the smallest together', of([9 * MIB, 9 * MIB, 9 * MIB, 9 * MIB, MIB, MIB, MIB, MIB]), { from: 4, to: 8 }],
    ['the oldest of equal ones', of(Array(5).fill(MIB)), { from: 0, to: 4 }],
    ['small ones as if they were larger', of([SMALLEST_BYTES, 1, 1, 1]), { from: 0, to: 4 }],
    ['no neighbours of other partitions', [...of([MIB, MIB]), ...of([MIB, MIB], 1)], null],
    ['those of one partition', [...of([MIB]), ...of(Array(4).fill(MIB), 1), ...of([MIB], 2)], { from: 1, to: 5 }],
    ['not what would be too large', of(Array(4).fill(MERGED_BYTES_MAX / 4)), null],
  ])('merges %s', (_, segments, range) => {
    expect(mergeOf(segments)).toEqual(range);
  });

  const candidates = fc.array(
    fc.record({
      bytes: fc.oneof(fc.integer({ min: 1, max: 9 * MIB }), fc.nat(MERGED_BYTES_MAX)),
      partition: fc.nat(2),
    }),
    { maxLength: 40 },
  );

  it('keeps its own rules', () => {
    fc.assert(
      fc.property(candidates, (segments) => {
        const range = mergeOf(segments);
        if (range === null) return;
        const merged = segments.slice(range.from, range.to);
        const bytes = merged.map((one) => Math.max(one.bytes, SMALLEST_BYTES));
        const total = bytes.reduce((sum, one) => sum + one, 0);
        expect(merged.length).toBeGreaterThanOrEqual(MERGE_COUNT_MIN);
        expect(merged.length).toBeLessThanOrEqual(MERGE_COUNT_MAX);
        expect(new Set(merged.map(({ partition }) => partition)).size).toBe(1);
        expect(Math.max(...bytes) * 2).toBeLessThanOrEqual(total);
        expect(total).toBeLessThan(MERGED_BYTES_MAX);
      }),
    );
  });

  it('keeps the number of segments, and how often a row is written, logarithmic', () => {
    for (const bytes of [100, SMALLEST_BYTES, MIB / 2]) {
      let segments: MergeCandidate[] = [];
      let written = 0;
      const checkpoints = 1_000;
      for (let n = 0; n < checkpoints; n++) {
        segments.push({ bytes, partition: 0 });
        for (let range = mergeOf(segments); range !== null; range = mergeOf(segments)) {
          const total = segments.slice(range.from, range.to).reduce((sum, one) => sum + one.bytes, 0);
          written += total;
          segments = segments.toSpliced(range.from, range.to - range.from, { bytes: total, partition: 0 });
        }
        expect(segments.length).toBeLessThanOrEqual(3 * Math.log2(n + 2) + 4);
      }
      const counted = Math.max(bytes, SMALLEST_BYTES);
      expect(written / (checkpoints * counted)).toBeLessThanOrEqual(Math.log2(checkpoints));
    }
  });
});
