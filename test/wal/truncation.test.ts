import { checkOne, endOf, type KnownMill, knownMill, MILLS, OF_MILLS, offsetsIn } from '../support/log-damage.js';
import { logPath } from '../support/log-mill.js';
import type { Expectation, KnownFile } from '../support/log-oracle.js';

const VGROUP = logPath(0);
const METADATA = logPath(63);

describe.each(MILLS)(`a log file cut short: ${OF_MILLS}`, (about) => {
  let mill: KnownMill;
  const seen: { file: KnownFile; length: number; expected: Expectation }[] = [];

  beforeAll(async () => {
    mill = await knownMill(about);
  });

  it('at any byte: everything up to the first commit that is hurt survives, or it is refused', () => {
    for (const file of mill.files) {
      for (const length of offsetsIn(mill, file)) {
        seen.push({ file, length, expected: checkOne(mill, file, file.bytes.subarray(0, length)) });
      }
    }
  });

  it('inside its header is refused', () => {
    const kinds = seen.filter(({ length }) => length < 64).map(({ expected }) => expected.kind);
    expect(new Set(kinds)).toEqual(new Set(['refused']));
  });

  it('behind its last frame loses nothing', () => {
    for (const file of mill.files) {
      for (let length = endOf(file); length <= file.bytes.length; length += 157) {
        expect(checkOne(mill, file, file.bytes.subarray(0, length))).toMatchObject({ commit: mill.commit });
      }
    }
  });

  it('inside its last frame is refused where a later frame says that it was durable', () => {
    const durable = Math.max(...mill.files.flatMap(({ frames }) => frames.map((frame) => frame.durable)));
    for (const { file, length, expected } of seen) {
      const last = file.frames.at(-1);
      if (last === undefined || length <= last.offset) continue;
      const { commit } = last;
      const kind = commit <= durable ? 'refused' : 'recovered';
      expect(expected).toMatchObject({ kind, commit: commit <= durable ? commit : commit - 1 });
    }
  });
});

describe('what is lost with the end of a log file', () => {
  /** The last bytes of a file are cut off: what comes of it. */
  const cut = async (about: (typeof MILLS)[number], path: string, bytes: number) => {
    const mill = await knownMill(about);
    const file = mill.files.find((one) => one.path === path)!;
    return checkOne(mill, file, file.bytes.subarray(0, endOf(file) - bytes));
  };
  const [syncClean, flushUnclean, , flushClean] = MILLS;

  it.each([
    [
      'the closed mark: the end is unclean, no event is lost',
      syncClean!,
      METADATA,
      { kind: 'recovered', commit: 7, events: 12 },
    ],
    ['an event before the closed mark: refused', syncClean!, VGROUP, { kind: 'refused', commit: 7 }],
    ['the closed mark at level flush', flushClean!, METADATA, { kind: 'recovered', commit: 7, events: 12 }],
    ['the last commit, that only the system had', flushUnclean!, VGROUP, { kind: 'recovered', commit: 6, events: 10 }],
    ['the mark on idle, with all behind it: it was durable', flushUnclean!, METADATA, { kind: 'refused', commit: 5 }],
  ] as const)('%s', async (_, about, path, expected) => {
    expect(await cut(about, path, 1)).toMatchObject(expected);
  });
});
