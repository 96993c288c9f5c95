import { lastValueFrom } from 'rxjs';
import { type Manifest, readManifest, type SegmentEntry, writeManifest } from '../../src/snapshots/manifest.js';
import { FileStorage } from '../../src/storage/file-storage.js';
import { loadHash } from '../../src/wal/hash.js';
import { killed } from './mills.js';
import { millrace, useFolder } from './support.js';

const folder = useFolder();
const storage = new FileStorage();

/** Writes another manifest than the mill's, with right checksums. */
async function tampered(change: (manifest: Manifest) => Manifest): Promise<void> {
  const hash = await lastValueFrom(loadHash());
  const found = await lastValueFrom(readManifest(storage, folder.path('data'), hash));
  await lastValueFrom(writeManifest(storage, folder.path('data'), change(found!.manifest), hash), {
    defaultValue: undefined,
  });
}

type Block = SegmentEntry['info']['blocks'][number];

/** Says other things of the only block of the second segment. */
const ofSecond = (change: Partial<Block>) => (manifest: Manifest) => {
  const [first, second, third] = manifest.segments as [SegmentEntry, SegmentEntry, SegmentEntry];
  const info = { ...second.info, blocks: second.info.blocks.map((block) => ({ ...block, ...change })) };
  return { ...manifest, segments: [first, { ...second, info }, third] };
};

it.each<[string, (manifest: Manifest) => Manifest, RegExp]>([
  [
    'segments in another order',
    (manifest) => ({ ...manifest, segments: manifest.segments.toReversed() }),
    /block 0 of segment 2 has lsns 15 to 28, but what is before it ends with 42/,
  ],
  [
    'a segment twice',
    (manifest) => ({ ...manifest, segments: [...manifest.segments, manifest.segments[2]!] }),
    /names segment 3 twice/,
  ],
  [
    'a stream that is gone',
    (manifest) => ({ ...manifest, streams: [] }),
    /segment 1 is of stream 1, which it does not/,
  ],
  [
    'a version that is not there',
    (manifest) => ({
      ...manifest,
      segments: manifest.segments.map((entry) => ({ ...entry, info: { ...entry.info, version: 2 } })),
    }),
    /segment 1 has version 2 of readings, which has 1 version/,
  ],
  [
    'an lsn that is too low',
    (manifest) => ({ ...manifest, nextLsn: 42 }),
    /segment 3 has lsn 42, but the next one is 42/,
  ],
  [
    'an lsn that is too high',
    (manifest) => ({ ...manifest, nextLsn: 44 }),
    /Commit 8 in the log .* begins with lsn 43, below 44/,
  ],
  ['an lsn above the ceiling', (manifest) => ({ ...manifest, ceiling: 42 }), /the next lsn 43 is above the ceiling 42/],
  ['a commit that is too low', (manifest) => ({ ...manifest, commit: 6 }), /commit 7 cannot be read/],
  ['another log', (manifest) => ({ ...manifest, logs: [3, 3] }), /checkpoint\.wal is missing/],
  ['other rows', ofSecond({ rows: 13 }), /00000002\.arrow .* it has 14 rows in place of 13/],
  ['other lsns', ofSecond({ lastLsn: 27 }), /00000002\.arrow .* it has lsns 15 to 28 in place of 15 to 27/],
  ['other times', ofSecond({ minTime: 0 }), /00000002\.arrow .* it has event times \d+ to \d+ in place of 0 to \d+/],
  ['other keys', ofSecond({ firstKey: ['dev-1'] }), /00000002\.arrow .* its keys are not those that the manifest says/],
  ['another sum', ofSecond({ sum: '0123456789abcdef' }), /00000002\.arrow .* the rows of block 0 have a wrong sum/],
  ['another hash', ofSecond({ hash: '0123456789abcdef' }), /00000002\.arrow .* block 0 has a wrong checksum/],
])('finds %s in the manifest', async (_, change, words) => {
  await killed(folder.path('data'));
  await tampered(change);
  const { code, stdout, stderr } = await millrace('verify', folder.path('data'));
  expect([code, stderr]).toEqual([1, '']);
  expect(stdout).toMatch(words);
});
