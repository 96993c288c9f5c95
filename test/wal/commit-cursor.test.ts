import { CommitCursor } from '../../src/wal/commit-cursor.js';
import { METADATA } from '../../src/wal/format.js';
import { recordSource } from '../../src/wal/frame.js';
import { FrameScanner, WINDOW_BYTES } from '../../src/wal/frame-scanner.js';
import type { Hash } from '../../src/wal/hash.js';
import { eachCommit } from '../../src/wal/replay.js';
import { type FrameOptions, fileOf, frameFor, now, scannerOf } from '../support/log-files.js';
import { hashing } from '../support/log-mill.js';

let hash: Hash;
beforeAll(async () => {
  hash = await hashing();
});

/** Which commits have frames in the files of VGroup 0, of VGroup 1, and of the metadata log: `n` or `n` with its mask. */
type Files = readonly (readonly (number | FrameOptions)[])[];

const PARTICIPANTS = [0, 1, METADATA];

function cursorOver(files: Files, commit = 0): CommitCursor {
  const participantsOf = (number: number) =>
    PARTICIPANTS.filter((_, at) => files[at]!.some((one) => (typeof one === 'number' ? one : one.commit) === number));
  const scanners = files.map((frames, at) => {
    const encoded = frames.map((frame) => {
      const options = typeof frame === 'number' ? { commit: frame, participants: participantsOf(frame) } : frame;
      return frameFor(PARTICIPANTS[at]!, hash, options);
    });
    return scannerOf(fileOf(encoded, 512), hash, PARTICIPANTS[at]);
  });
  return new CommitCursor(scanners, commit);
}

/** The commits that a cursor goes past. */
function commitsOf(files: Files, commit = 0): number[] {
  const found: number[] = [];
  now(eachCommit(cursorOver(files, commit), (cursor) => found.push(cursor.header.commit)));
  return found;
}

describe('CommitCursor', () => {
  it.each<[string, Files, number[]]>([
    ['commits of one participant each', [[1, 3], [2], []], [1, 2, 3]],
    [
      'commits of several participants',
      [
        [1, 2],
        [2, 3],
        [1, 3],
      ],
      [1, 2, 3],
    ],
    ['no commit', [[], [], []], []],
    ['commits up to one that no file has', [[1, 3], [2], [5]], [1, 2, 3]],
    ['commits up to the first when that is missing', [[2], [2], [3]], []],
    ['commits up to a frame that comes a second time', [[1, 2, 2, 3], [4], []], [1, 2]],
    ['commits up to frames that changed places', [[1, 3, 2], [], []], [1]],
  ])('goes past %s', (_, files, commits) => {
    expect(commitsOf(files)).toEqual(commits);
  });

  it('takes no commit of which a participant lacks its frame', () => {
    const both = { commit: 2, participants: [0, 1] };
    expect(commitsOf([[1, both], [], [3]])).toEqual([1]);
    expect(commitsOf([[1, both], [both], [3]])).toEqual([1, 2, 3]);
  });

  it('takes no commit whose frames name different participants', () => {
    expect(
      commitsOf([[{ commit: 1, participants: [0, 1] }], [{ commit: 1, participants: [0, 1, METADATA] }], []]),
    ).toEqual([]);
  });

  it('takes no commit whose lsns are below those before it: it was cut, and a lost truncation shows it again', () => {
    const before = { commit: 1, firstLsn: 100, events: 5 };
    expect(commitsOf([[before, { commit: 2, firstLsn: 104 }], [], []])).toEqual([1]);
    expect(commitsOf([[before, { commit: 2, firstLsn: 105 }], [], []])).toEqual([1, 2]);
  });

  it('takes no commit with a participant that the mill does not have', () => {
    expect(commitsOf([[{ commit: 1, participants: [0, 5] }], [], []])).toEqual([]);
  });

  it('begins behind the commit that it is given', () => {
    expect(commitsOf([[8], [9], []], 7)).toEqual([8, 9]);
    expect(commitsOf([[8], [9], []], 6)).toEqual([]);
  });

  it('puts the entries and records of all frames together', () => {
    const record = recordSource('{"kind":"mark"}');
    const files: Files = [
      [{ commit: 1, participants: [0, METADATA], entries: [], events: 2, firstLsn: 9 }],
      [],
      [{ commit: 1, participants: [0, METADATA], entries: [record], events: 0, firstLsn: 9 }],
    ];
    const found: unknown[] = [];
    now(eachCommit(cursorOver(files), (cursor) => found.push(cursor.decode())));
    expect(found).toEqual([{ number: 1, time: 0, firstLsn: 9, events: 2, entries: [], records: [{ kind: 'mark' }] }]);
  });

  it('reads on in all files that want to, and only as far as their ends', () => {
    const long = (commit: number) => ({
      commit,
      participants: [0, 1],
      entries: [recordSource('x'.repeat(WINDOW_BYTES))],
    });
    const files: Files = [[long(1), long(2)], [long(1), long(2)], []];
    const whole = cursorOver(files).scanners;
    const upTo = (end: number) => {
      const ends = whole.map(({ limit }, at) => (at === 0 ? end : limit));
      const scanners = whole.map(({ source }, at) => new FrameScanner(source, hash, 64, ends[at]!));
      const found: number[] = [];
      now(eachCommit(new CommitCursor(scanners, 0), (cursor) => found.push(cursor.header.commit)));
      return found;
    };
    const { limit } = whole[0]!;
    expect(upTo(100)).toEqual([]);
    expect(upTo(limit >> 1)).toEqual([1]);
    expect(upTo(limit)).toEqual([1, 2]);
  });
});
