import { seededRandom } from '../../src/storage/random.js';
import {
  checkOne,
  endOf,
  flipped,
  type KnownMill,
  knownMill,
  MILLS,
  OF_MILLS,
  offsetsIn,
  SEED,
} from '../support/log-damage.js';
import type { Expectation, KnownFile } from '../support/log-oracle.js';

/** Whether a file is the one that its participant writes to. */
const isLast = ({ path }: KnownFile) => path.endsWith('current.wal');

describe.each(MILLS)(`a bit flipped in a log file: ${OF_MILLS}`, (about) => {
  let mill: KnownMill;
  const random = seededRandom(SEED);
  const seen: { file: KnownFile; offset: number; expected: Expectation }[] = [];

  beforeAll(async () => {
    mill = await knownMill(about);
  });

  const flip = (file: KnownFile, offset: number): Expectation => {
    const bit = Math.floor(random() * 8);
    try {
      return checkOne(mill, file, flipped(file, offset, 1 << bit));
    } catch (cause) {
      throw new Error(`bit ${bit} of byte ${offset} in ${file.path}`, { cause });
    }
  };

  it('at any byte: nothing that was durable is lost in silence, and what survives is exact', () => {
    for (const file of mill.files) {
      for (const offset of offsetsIn(mill, file)) seen.push({ file, offset, expected: flip(file, offset) });
    }
  });

  it('in a header is refused', () => {
    const kinds = seen.filter(({ offset }) => offset < 64).map(({ expected }) => expected.kind);
    expect(new Set(kinds)).toEqual(new Set(['refused']));
  });

  it('in a commit that a later frame of any file knows to be durable is refused', () => {
    const frames = mill.files.flatMap((file) => file.frames);
    for (const { file, offset, expected } of seen) {
      const hurt = file.frames.find((frame) => frame.offset <= offset && offset < frame.end);
      if (hurt === undefined) continue;
      const isKnown = frames.some((frame) => frame !== hurt && frame.durable >= hurt.commit);
      if (expected.kind !== (isKnown ? 'refused' : 'recovered')) throw new Error(`byte ${offset} in ${file.path}`);
      expect(expected.commit).toBe(isKnown ? hurt.commit : hurt.commit - 1);
    }
  });

  it('behind the last frame loses nothing: the byte is cut, and a copy of it kept; in a file that was left it is refused', () => {
    for (const file of mill.files) {
      for (let offset = endOf(file); offset < file.bytes.length; offset += 1 + Math.floor(random() * 400)) {
        const outcome = flip(file, offset);
        if (isLast(file)) expect(outcome).toMatchObject({ kind: 'recovered', commit: mill.commit });
        else expect(outcome.kind).toBe('refused');
      }
    }
  });
});
