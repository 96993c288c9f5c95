import fc from 'fast-check';
import type { LogFile } from '../../src/wal/log-file.js';
import { LogIndex } from '../../src/wal/log-index.js';

const MEBIBYTE = 1024 * 1024;
const FILES = [{}, {}] as unknown as LogFile[];
const BASE = { commit: 10, nextLsn: 100 };

describe('LogIndex', () => {
  it('has the beginning of the files for what comes first', () => {
    const index = new LogIndex(FILES, BASE);
    for (const lsn of [0, 100, 1e9]) expect(index.before(lsn)).toEqual({ ...BASE, offsets: [64, 64] });
  });

  it('keeps a mark about every mebibyte, and asks for offsets only then', () => {
    const index = new LogIndex(FILES, BASE);
    let asked = 0;
    for (let commit = 11; commit <= 11 + 64; commit++) {
      index.note(commit, commit * 10, () => [++asked, commit], MEBIBYTE / 16);
    }
    expect(asked).toBe(4);
    expect(index.before(1e9)).toEqual({ commit: 74, nextLsn: 740, offsets: [4, 74] });
  });

  it('gives the last mark that is not behind an event', () => {
    const index = new LogIndex(FILES, BASE);
    for (const [commit, nextLsn] of [
      [11, 150],
      [12, 150],
      [13, 200],
    ] as const) {
      index.note(commit, nextLsn, () => [commit, commit], MEBIBYTE);
    }
    expect([99, 100, 149, 150, 199, 200, 201].map((lsn) => index.before(lsn).commit)).toEqual([
      10, 10, 10, 12, 12, 13, 13,
    ]);
  });

  it('finds what a linear search finds', () => {
    const steps = fc.array(fc.record({ lsns: fc.nat(3), bytes: fc.nat(2 * MEBIBYTE) }), { maxLength: 40 });
    fc.assert(
      fc.property(steps, fc.nat(120), (steps, lsn) => {
        const index = new LogIndex(FILES, { commit: 0, nextLsn: 1 });
        const marks = [{ commit: 0, nextLsn: 1 }];
        let nextLsn = 1;
        let bytes = 0;
        steps.forEach((step, at) => {
          nextLsn += step.lsns;
          bytes += step.bytes;
          index.note(at + 1, nextLsn, () => [0, 0], step.bytes);
          if (bytes < MEBIBYTE) return;
          bytes = 0;
          marks.push({ commit: at + 1, nextLsn });
        });
        const expected = marks.findLast((mark) => mark.nextLsn <= lsn) ?? marks[0];
        expect(index.before(lsn)).toMatchObject(expected!);
      }),
    );
  });
});
