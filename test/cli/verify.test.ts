import { cpSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { count, Millrace, tumbling, windowed } from '../../src/index.js';
import { appended, flip, imageOf, killed, overwrite, READINGS, shorten, started } from './mills.js';
import { millrace, useFolder } from './support.js';

const folder = useFolder();
const verify = (...args: string[]) => millrace('verify', folder.path('data'), ...args);

interface Report {
  readonly sound: boolean;
  readonly manifest: object | null;
  readonly segments: object | null;
  readonly log: { readonly events: number; readonly closed: boolean; readonly torn: number } | null;
  readonly damages: readonly { readonly code: string; readonly path: string; readonly offset?: number }[];
  readonly notes: readonly string[];
}

/** The report, after it was seen that nothing was changed and the exit code is right. */
async function reported(): Promise<Report> {
  const before = imageOf(folder.path('data'));
  const { code, stdout, stderr } = await verify('--json');
  expect(stderr).toBe('');
  expect(imageOf(folder.path('data'))).toEqual(before);
  const report = JSON.parse(stdout) as Report;
  expect(code).toBe(report.sound ? 0 : 1);
  expect(report.sound).toBe(report.damages.length === 0);
  return report;
}

/** The damages, each with the name of its file. */
async function damages(): Promise<string[]> {
  const { damages } = await reported();
  return damages.map(({ code, path }) => `${code} ${path.replace(folder.path('data'), '').slice(1)}`);
}

const path = (name: string) => folder.path(`data/${name}`);
const FIRST = 'segments/00000001.arrow';
const SECOND = 'segments/00000002.arrow';

describe.each([1, 4])('millrace verify of a mill with %d VGroups', (vgroups) => {
  it('finds no damage after a close, and none after a kill', async () => {
    await killed(folder.path('data'), { vgroups });
    const { manifest, segments, log, notes } = await reported();
    expect(manifest).toMatchObject({ vgroups, nextLsn: 43, streams: ['readings'], isWhole: true });
    expect(segments).toMatchObject({ count: 3, rows: 42, blocks: 3 });
    expect(log).toMatchObject({ events: 28, closed: false, torn: 0 });
    expect(notes).toEqual([]);
    const mill = await started(folder.path('data'));
    await mill.close();
    const closed = await reported();
    expect(closed.log).toMatchObject({ events: 0, commits: 1, closed: true });
    expect(closed.segments).toMatchObject({ rows: 70 });
  });
});

it('finds nothing wrong with derived rows, of which many come in one turn', async () => {
  const mill = new Millrace(folder.path('data'));
  const readings = mill.stream('readings', { schema: READINGS });
  mill.stream('windows', {
    from: readings.pipe(windowed(tumbling('10ms'), { by: 'device', aggregate: { n: count() } })),
  });
  await mill.start();
  await appended(mill, 1, 70);
  await mill.close();
  expect(await damages()).toEqual([]);
  expect((await reported()).segments).toMatchObject({ count: 2, rows: 70 + 7 * 5 });
});

it('says in a few lines what it found', async () => {
  await killed(folder.path('data'));
  const words = async () =>
    (await verify()).stdout
      .replaceAll(folder.path('data'), 'DATA')
      .replaceAll(/[0-9a-f]{32}/g, 'ID')
      .replaceAll(/[\d.]+ (ms|s|KiB)\b/g, 'N $1');
  expect(await words()).toBe(`mill ID in DATA: 1 VGroup, 1 stream (readings)
manifest: sequence 4, two equal copies; everything up to commit 7 and below lsn 43 is in segments
segments: 3 files, 3 blocks, 42 rows, N KiB
log: 2 files, 4 commits with 28 events, up to commit 11; not closed in order, nothing is torn
No damage found in N ms. Nothing was changed.
`);
  rmSync(path(FIRST));
  expect(await words()).toMatch(
    /\nDAMAGE: DATA\/segments\/00000001\.arrow is missing; .* Put the file back from a backup of this directory\. \(CORRUPT_SEGMENT\)\n1 damage found in N ms\. Nothing was changed\.\n$/,
  );
});

describe('finds and names', () => {
  const METADATA = 'metadata/current.wal';
  const LOG = 'vgroup-00/current.wal';
  const swap = (one: string, other: string): void => {
    renameSync(path(one), path('aside'));
    renameSync(path(other), path(one));
    renameSync(path('aside'), path(other));
  };
  const fromAnother = (name: string) => cpSync(folder.path(`other/${name}`), path(name));

  it.each<[string, () => void, string[]]>([
    ['a flipped byte in a manifest', () => flip(path('manifest-a.json'), 200), ['CORRUPT_MANIFEST manifest-a.json']],
    ['a missing manifest', () => rmSync(path('manifest-b.json')), ['CORRUPT_MANIFEST manifest-b.json']],
    ['a shorter manifest', () => shorten(path('manifest-b.json'), 1), ['CORRUPT_MANIFEST manifest-b.json']],
    ['an empty manifest', () => writeFileSync(path('manifest-a.json'), ''), ['CORRUPT_MANIFEST manifest-a.json']],
    ['the manifest of another mill', () => fromAnother('manifest-b.json'), ['CORRUPT_MANIFEST manifest-b.json']],
    [
      'two damaged manifests',
      () => {
        flip(path('manifest-a.json'), 100);
        flip(path('manifest-b.json'), 100);
      },
      ['CORRUPT_MANIFEST manifest-a.json', 'CORRUPT_MANIFEST manifest-b.json'],
    ],
    ['a missing segment', () => rmSync(path(SECOND)), [`CORRUPT_SEGMENT ${SECOND}`]],
    [
      'a segment of another mill',
      () => cpSync(folder.path(`other/${SECOND}`), path(FIRST)),
      [`CORRUPT_SEGMENT ${FIRST}`],
    ],
    [
      'a longer segment',
      () => overwrite(path(FIRST), statSync(path(FIRST)).size, Buffer.alloc(8)),
      [`CORRUPT_SEGMENT ${FIRST}`],
    ],
    ['a flipped byte at the head of a segment', () => flip(path(FIRST), 3), [`CORRUPT_SEGMENT ${FIRST}`]],
    ['a flipped byte in a log', () => flip(path(LOG), 64 + 100), [`CORRUPT_LOG ${LOG}`]],
    ['a flipped byte in the header of a log', () => flip(path(LOG), 20), [`CORRUPT_LOG ${LOG}`]],
    ['a missing log', () => rmSync(path(METADATA)), [`CORRUPT_LOG ${METADATA}`]],
    ['a missing folder of a log', () => rmSync(path('vgroup-00'), { recursive: true }), ['CORRUPT_LOG vgroup-00']],
    ['a log that ends in its header', () => shorten(path(LOG), statSync(path(LOG)).size - 60), [`CORRUPT_LOG ${LOG}`]],
    ['two logs in each other’s place', () => swap(LOG, METADATA), [`CORRUPT_LOG ${LOG}`, `CORRUPT_LOG ${METADATA}`]],
    ['the log of another mill', () => fromAnother(LOG), [`CORRUPT_LOG ${LOG}`]],
    [
      'a prepared log in place of the current one',
      () => renameSync(path('vgroup-00/next.wal'), path(LOG)),
      ['CORRUPT_LOG vgroup-00/checkpoint.wal'],
    ],
    [
      'the last frame of a file from which the log went on',
      () => {
        for (const name of ['metadata', 'vgroup-00']) {
          renameSync(path(`${name}/current.wal`), path(`${name}/checkpoint.wal`));
          renameSync(path(`${name}/next.wal`), path(`${name}/current.wal`));
        }
        flip(path('vgroup-00/checkpoint.wal'), 64 + 3 * 296 + 100);
      },
      ['CORRUPT_LOG vgroup-00/checkpoint.wal'],
    ],
  ])('%s', async (_, damage, found) => {
    await killed(folder.path('data'));
    await killed(folder.path('other'));
    damage();
    expect([...new Set(await damages())]).toEqual(found);
  });

  it('two segments in each other’s place', async () => {
    await killed(folder.path('data'));
    swap(FIRST, SECOND);
    expect(new Set(await damages())).toEqual(new Set([`CORRUPT_SEGMENT ${FIRST}`, `CORRUPT_SEGMENT ${SECOND}`]));
  });

  it('a segment that ends too early, wherever', async () => {
    await killed(folder.path('data'));
    for (let left = 2_000; left > 0; left = left >> 2) {
      shorten(path(FIRST), statSync(path(FIRST)).size - left);
      expect(new Set(await damages())).toEqual(new Set([`CORRUPT_SEGMENT ${FIRST}`]));
    }
  });

  it('every damage, not only the first', async () => {
    await killed(folder.path('data'));
    flip(path('manifest-a.json'), 100);
    flip(path(FIRST), 500);
    rmSync(path(SECOND));
    flip(path(LOG), 64 + 100);
    const { code, stdout } = await verify();
    expect(code).toBe(1);
    expect(stdout.match(/^DAMAGE: .*$/gm)).toHaveLength(4);
    expect(stdout).toMatch(/4 damages found/);
  });
});

it('finds a flipped byte wherever it is in a segment or a manifest', async () => {
  await killed(folder.path('data'));
  const { code } = await verify();
  expect(code).toBe(0);
  for (const name of [FIRST, 'manifest-a.json']) {
    const { size } = statSync(path(name));
    for (let at = 1; at < size; at += Math.ceil(size / 7)) {
      flip(path(name), at);
      expect(new Set(await damages())).toEqual(
        new Set([`${name === FIRST ? 'CORRUPT_SEGMENT' : 'CORRUPT_MANIFEST'} ${name}`]),
      );
      flip(path(name), at);
    }
  }
  expect(await damages()).toEqual([]);
});

describe('tells what is no damage', () => {
  it('a torn end', async () => {
    await killed(folder.path('data'));
    // The last commit is not known to have been durable.
    flip(path('vgroup-00/current.wal'), 64 + 3 * 296 + 100);
    const { log, damages, notes } = await reported();
    expect(damages).toEqual([]);
    expect(log).toMatchObject({ events: 21, closed: false });
    expect(log!.torn).toBeGreaterThan(100);
    expect(notes).toEqual([expect.stringMatching(/never promised\. The next start cuts them, and keeps a copy\./)]);
  });

  it('what a crash left', async () => {
    await killed(folder.path('data'));
    writeFileSync(path('segments/00000009.arrow'), 'half a segment');
    writeFileSync(path('manifest-a.json.tmp'), '{');
    cpSync(path('vgroup-00/current.wal'), path('vgroup-00/checkpoint.wal'));
    const { damages, notes } = await reported();
    expect(damages).toEqual([]);
    expect(notes).toEqual([
      expect.stringContaining('vgroup-00/checkpoint.wal is left from a checkpoint'),
      expect.stringContaining('00000009.arrow is left from a crash'),
      expect.stringContaining('manifest-a.json.tmp is left from a crash'),
    ]);
    await (await started(folder.path('data'))).close();
    expect((await reported()).notes).toEqual([]);
  });

  it('a rotation that was cut short', async () => {
    await killed(folder.path('data'));
    renameSync(path('vgroup-00/current.wal'), path('vgroup-00/checkpoint.wal'));
    const { damages, log, notes } = await reported();
    expect(damages).toEqual([]);
    expect(log).toMatchObject({ events: 28, files: 3 });
    expect(notes).toEqual([expect.stringContaining('renaming of log files')]);
  });

  it('a manifest that a crash came between', async () => {
    await killed(folder.path('data'));
    const older = folder.path('older');
    cpSync(path('manifest-b.json'), older);
    const mill = await started(folder.path('data'));
    await appended(mill, 71, 77);
    await mill.close();
    cpSync(older, path('manifest-b.json'));
    const { damages, notes } = await reported();
    expect([damages, notes]).toEqual([[], [expect.stringMatching(/manifest-b\.json is an older manifest \(4\)/)]]);
  });
});

it('refuses a mill that is open, and what is no mill', async () => {
  const mill = await started(folder.path('data'));
  const refused = await verify();
  expect([refused.code, refused.stdout]).toEqual([1, '']);
  expect(refused.stderr).toMatch(/^millrace: The mill in .* is open: .* cannot be verified\..* \(LOCKED\)\n$/);
  await mill.close();
  expect((await verify()).code).toBe(0);
  mkdirSync(folder.path('empty'));
  for (const [name, words] of [
    ['empty', /is no mill/],
    ['nothing', /there is no such file or directory/],
    [`data/LOCK`, /is no mill/],
  ] as const) {
    const { code, stderr } = await millrace('verify', folder.path(name));
    expect([code, stderr]).toEqual([1, expect.stringMatching(words)]);
  }
});

it('makes no lock where there is none', async () => {
  await killed(folder.path('data'));
  rmSync(path('LOCK'));
  expect(await damages()).toEqual([]);
});
