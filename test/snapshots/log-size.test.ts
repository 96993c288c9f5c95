import { LOG_SIZE_STEP, LogSize, type LogSizeOptions } from '../../src/snapshots/log-size.js';

const MIB = 1024 * 1024;
const MINUTE = 60_000;

/** [MiB written, milliseconds (a minute where missing), interval (a minute where missing)] */
type Rotation = readonly [mebibytes: number, elapsed?: number, interval?: number];

/** The next sizes of VGroup 0 in MiB, after each rotation. */
function sizesAfter(rotations: readonly Rotation[], options: LogSizeOptions = {}): number[] {
  const size = new LogSize(options);
  return rotations.map(([mebibytes, elapsed = MINUTE, interval = MINUTE]) => {
    size.rotated(0, mebibytes * MIB, elapsed, interval);
    return size.next(0, interval) / MIB;
  });
}

const times = (count: number, rotation: Rotation): Rotation[] => Array.from({ length: count }, () => rotation);
const last = (sizes: readonly number[]): number => sizes.at(-1)!;

describe('LogSize', () => {
  it('is the least where nothing is known', () => {
    expect(new LogSize().next(3, MINUTE)).toBe(MIB);
    expect(new LogSize({ bytesMin: 100_000 }).next(3, MINUTE)).toBe(131_072);
  });

  it.each<[string, Rotation[], number, number]>([
    ['a steady load, with a little room', times(10, [8]), 8.9, 9.1],
    ['follows a rise nearly at once', [...times(10, [8]), [24]], 23, 24],
    ['keeps most after one quiet interval', [...times(10, [8]), [0]], 7.1, 7.3],
    ['falls slowly', [...times(10, [8]), ...times(5, [0])], 2.9, 3.1],
    ['falls to the least when idle for long', [...times(10, [8]), ...times(30, [0])], 1, 1],
    ['takes an idle stretch as the intervals that it was', [...times(10, [8]), [0, 5 * MINUTE]], 2.9, 3.1],
    ['remembers a burst for a while', [[40], [1], [1], [1]], 17, 19.5],
    ['never more than the most', times(5, [500]), 64, 64],
    ['is not misled by a short burst', [...times(10, [8]), [1, 100]], 9, 11],
    ['nor by requests in quick succession', [...times(10, [8]), ...times(50, [0, 20])], 8.9, 9.1],
    ['keeps what was written in no time at all', [...times(10, [8]), [8, 0], [0]], 8.9, 9.1],
    ['is right at once when the interval changes', [...times(10, [32]), [5.33, 10_000, 10_000]], 5.9, 6.1],
    ['also to a longer one', [...times(10, [2]), [2, MINUTE, 5 * MINUTE]], 11, 11.3],
    ['takes every file as it comes where there is no interval', times(10, [8, 1_000, Infinity]), 64, 64],
  ])('%s', (_, rotations, min, max) => {
    const size = last(sizesAfter(rotations));
    expect(size).toBeGreaterThanOrEqual(min);
    expect(size).toBeLessThanOrEqual(max);
  });

  it('stays between its bounds and is a multiple of the step', () => {
    const options = { bytesMin: 2 * MIB, bytesMax: 10 * MIB };
    for (const size of sizesAfter([[0], [0.5], [3.3], [7.7], [9.9], [1_000], [0], [0]], options)) {
      expect(size).toBeGreaterThanOrEqual(2);
      expect(size).toBeLessThanOrEqual(10);
      expect((size * MIB) % LOG_SIZE_STEP).toBe(0);
    }
  });

  it('expects no more than what triggers a checkpoint, shared out by load', () => {
    const size = new LogSize();
    for (let times = 0; times < 10; times++) {
      size.rotated(0, 48 * MIB, 1_000, MINUTE);
      size.rotated(1, 16 * MIB, 1_000, MINUTE);
    }
    expect(size.next(0, MINUTE) / MIB).toBe(54);
    expect(size.next(1, MINUTE) / MIB).toBe(18);
    expect(size.next(2, MINUTE) / MIB).toBe(1);
  });

  it('gives what its documentation says', () => {
    const size = new LogSize({ bytesMax: 32 * MIB });
    size.rotated(0, 5_000_000, MINUTE, MINUTE);
    expect(size.next(0, MINUTE)).toBe(4_521_984);
  });
});
