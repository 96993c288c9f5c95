import { recordSource } from '../../src/wal/frame.js';
import { WINDOW_BYTES } from '../../src/wal/frame-scanner.js';
import type { Hash } from '../../src/wal/hash.js';
import { type Survey, survey } from '../../src/wal/survey.js';
import { fileOf, frameFor, now, sourceOf } from '../support/log-files.js';
import { hashing } from '../support/log-mill.js';

let hash: Hash;
beforeAll(async () => {
  hash = await hashing();
});

const frame = (commit: number, durable = commit - 1) => frameFor(63, hash, { commit, durable });

/** Surveys what lies behind the header. */
function surveyOf(bytes: Uint8Array, from = 64): Survey {
  return now(survey(sourceOf(bytes), from, bytes.length, hash));
}

const CLEAN: Survey = { dirtyFrom: null, dirtyTo: 0, frames: 0, first: null, durable: 0, commit: 0 };

describe('survey', () => {
  it.each<[string, () => Buffer]>([
    ['the end of the file', () => fileOf([])],
    ['zeros', () => fileOf([], 10_000)],
    ['zeros up to an odd length', () => fileOf([], 4_097)],
    ['more zeros than a window', () => fileOf([], 2 * WINDOW_BYTES + 24)],
  ])('finds nothing in %s', (_, make) => {
    expect(surveyOf(make())).toEqual(CLEAN);
  });

  it('tells where the first and the last byte is that is not zero', () => {
    const bytes = fileOf([], 3 * WINDOW_BYTES);
    bytes[64 + 1_001] = 1;
    expect(surveyOf(bytes)).toEqual({ ...CLEAN, dirtyFrom: 64 + 1_001, dirtyTo: 64 + 1_002 });
    bytes[64 + 2 * WINDOW_BYTES + 7] = 1;
    expect(surveyOf(bytes)).toMatchObject({ dirtyFrom: 64 + 1_001, dirtyTo: 64 + 2 * WINDOW_BYTES + 8 });
  });

  it('finds valid frames behind what cannot be read, and tells the highest commit and the highest durable one', () => {
    const bytes = fileOf([Buffer.alloc(56, 0xab), frame(7, 3), Buffer.alloc(8, 1), frame(8, 5), frame(9, 5)], 100);
    const end = bytes.length - 100;
    expect(surveyOf(bytes)).toEqual({
      dirtyFrom: 64,
      dirtyTo: end,
      frames: 3,
      first: { offset: 120, commit: 7 },
      durable: 5,
      commit: 9,
    });
  });

  it('counts a frame that ends in zeros whole', () => {
    const padded = frameFor(63, hash, { commit: 2, durable: 1, entries: [recordSource('{}')] });
    expect(padded.subarray(-6)).toEqual(Buffer.alloc(6));
    const bytes = fileOf([padded], 64);
    expect(surveyOf(bytes).dirtyTo).toBe(64 + padded.length);
  });

  it('believes no frame that is damaged, stale, of another file, cut short, or at an odd place', () => {
    const damaged = Buffer.from(frame(5));
    damaged[80]! ^= 4;
    const foreign = frameFor(62, hash, { commit: 5 });
    const unnamed = frameFor(63, hash, { commit: 5, participants: [1] });
    const odd = Buffer.concat([Buffer.alloc(4, 1), frame(5), Buffer.alloc(4)]);
    for (const one of [damaged, foreign, unnamed, odd, frame(5).subarray(0, -1), frame(5).subarray(0, 70)]) {
      expect(surveyOf(fileOf([one]))).toMatchObject({ frames: 0, durable: 0, commit: 0 });
    }
  });

  it('is not led astray by data that looks like the beginning of a frame', () => {
    const lure = Buffer.alloc(72);
    lure.write('MRF1', 0);
    lure.writeUInt32LE(2 ** 20, 4);
    const short = Buffer.from(lure);
    short.writeUInt32LE(8, 4);
    expect(surveyOf(fileOf([lure, short, lure.subarray(0, 8), frame(4), lure]))).toMatchObject({
      frames: 1,
      commit: 4,
    });
  });

  it('finds frames across the edges of its windows', () => {
    for (const gap of [WINDOW_BYTES - 8, WINDOW_BYTES - 64, WINDOW_BYTES, 2 * WINDOW_BYTES - 80]) {
      expect(surveyOf(fileOf([Buffer.alloc(gap), frame(4)], 8))).toMatchObject({ frames: 1, dirtyFrom: 64 + gap });
    }
    const long = frameFor(63, hash, { commit: 3, entries: [recordSource('x'.repeat(2.5 * WINDOW_BYTES))] });
    expect(surveyOf(fileOf([Buffer.alloc(8, 1), long, frame(4)]))).toMatchObject({ frames: 2, commit: 4 });
  });

  it('begins where it is told', () => {
    const bytes = fileOf([frame(1), frame(2)]);
    expect(surveyOf(bytes, 64 + frame(1).length)).toMatchObject({ frames: 1, commit: 2 });
    expect(surveyOf(bytes, bytes.length)).toEqual(CLEAN);
  });

  it('costs no more than the bytes it looks at, however many frames there are or seem to be', () => {
    const many = Array.from({ length: 4_000 }, (_, at) => frame(at + 2));
    const lures = Buffer.alloc(WINDOW_BYTES / 4);
    for (let at = 0; at < lures.length; at += 8) lures.write('MRF1', at);
    for (const bytes of [fileOf([Buffer.alloc(8, 1), ...many], WINDOW_BYTES), fileOf([lures], WINDOW_BYTES)]) {
      const source = sourceOf(bytes);
      let read = 0;
      const { file } = source;
      const counting = Object.assign(Object.create(file), {
        read: (position: number, length: number) => {
          read += length;
          return file.read(position, length);
        },
      });
      now(survey({ ...source, file: counting }, 64, bytes.length, hash));
      expect(read).toBeLessThan(8 * bytes.length);
    }
  });

  it('fails where the file has become shorter than it was told, rather than read for ever', () => {
    const source = sourceOf(fileOf([Buffer.alloc(16, 1)]));
    expect(() => now(survey(source, 64, 10_000, hash))).toThrow(expect.objectContaining({ code: 'CORRUPT_LOG' }));
  });
});
