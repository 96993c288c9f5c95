import fc from 'fast-check';
import { METADATA } from '../../src/wal/format.js';
import { recordSource } from '../../src/wal/frame.js';
import { FrameChain } from '../../src/wal/frame-chain.js';
import { FrameScanner, WINDOW_BYTES } from '../../src/wal/frame-scanner.js';
import type { Hash } from '../../src/wal/hash.js';
import { fileOf, frameFor, now, scannerOf } from '../support/log-files.js';
import { hashing } from '../support/log-mill.js';

let hash: Hash;
beforeAll(async () => {
  hash = await hashing();
});

const fileWith = (commits: readonly number[], zeros = 512) =>
  fileOf(
    commits.map((commit) => frameFor(METADATA, hash, { commit })),
    zeros,
  );

function chainOver(files: readonly Uint8Array[], base = 0): FrameChain {
  return new FrameChain(
    files.map((bytes) => scannerOf(bytes, hash)),
    base,
  );
}

/** The commits that a chain goes through. */
function commitsIn(chain: FrameChain): number[] {
  const found: number[] = [];
  for (;;) {
    const next = chain.look();
    if (next === 'none') return found;
    if (next === 'more') now(chain.fill());
    else {
      found.push(chain.current.header.commit);
      chain.advance();
    }
  }
}

describe('FrameChain', () => {
  it.each<[string, number[][], number, number[]]>([
    ['one file', [[1, 2, 3]], 0, [1, 2, 3]],
    [
      'two files',
      [
        [1, 2],
        [3, 5],
      ],
      0,
      [1, 2, 3, 5],
    ],
    ['a first file without frames', [[], [3]], 0, [3]],
    ['a last file without frames', [[1, 2], []], 0, [1, 2]],
    ['files without frames', [[], []], 0, []],
    [
      'what is in the snapshot already',
      [
        [1, 2],
        [3, 4],
      ],
      3,
      [4],
    ],
    ['nothing, where all of it is', [[1, 2], [3]], 7, []],
    ['what comes, in whatever order: that is not for the chain to judge', [[1, 5], [2]], 0, [1, 5, 2]],
  ])('goes through %s', (_, files, base, commits) => {
    expect(
      commitsIn(
        chainOver(
          files.map((file) => fileWith(file)),
          base,
        ),
      ),
    ).toEqual(commits);
  });

  it('goes through any files as through one', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(3), { minLength: 1, maxLength: 4 }), fc.nat(12), (counts, base) => {
        let commit = 0;
        const files = counts.map((count) => Array.from({ length: count }, () => ++commit));
        const all = files.flat().filter((one) => one > base);
        expect(
          commitsIn(
            chainOver(
              files.map((file) => fileWith(file, file.length % 2 ? 0 : 256)),
              base,
            ),
          ),
        ).toEqual(all);
      }),
    );
  });

  it('goes on in the next file behind a frame that is damaged: its commit is missing then', () => {
    const first = fileWith([1, 2, 3]);
    const length = frameFor(METADATA, hash, { commit: 1 }).length;
    first[64 + length + 80]! ^= 1;
    const chain = chainOver([first, fileWith([4])]);
    expect(commitsIn(chain)).toEqual([1, 4]);
    expect(chain.scanners[0]!.position).toBe(64 + length);
    expect(chain.scanner).toBe(chain.scanners[1]);
  });

  it('asks for bytes of the file that it is in only', () => {
    const long = frameFor(METADATA, hash, { commit: 1, entries: [recordSource('x'.repeat(WINDOW_BYTES))] });
    const chain = chainOver([fileOf([long], 64), fileWith([2])]);
    const fills: number[] = [];
    for (let next = chain.look(); next !== 'none'; next = chain.look()) {
      if (next === 'frame') chain.advance();
      else {
        fills.push(chain.scanners.indexOf(chain.scanner));
        now(chain.fill());
      }
    }
    expect(fills).toEqual(fills.toSorted((a, b) => a - b));
    expect(new Set(fills)).toEqual(new Set([0, 1]));
  });

  it('does not look behind the end that a file is given', () => {
    const bytes = fileWith([1, 2]);
    const length = frameFor(METADATA, hash, { commit: 1 }).length;
    const { source } = scannerOf(bytes, hash);
    const chain = new FrameChain([new FrameScanner(source, hash, 64, 64 + length), scannerOf(fileWith([3]), hash)], 0);
    expect(commitsIn(chain)).toEqual([1, 3]);
  });
});
