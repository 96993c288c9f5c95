import { copyFileSync, cpSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { appended, imageOf, killed, overwrite, shorten, started } from './mills.js';
import { millrace, millraceMeanwhile, objectsOf, useFolder } from './support.js';

const folder = useFolder();
const LOG = 'data/vgroup-00/current.wal';
const HEADER_BYTES = 64;

/** What a kill leaves of a mill with three commits of two events, all in the log. */
async function filled(vgroups = 1): Promise<void> {
  const mill = await started(folder.path('live'), { vgroups });
  for (let at = 0; at < 3; at++)
    await mill.stream('readings').appendMany([
      { ts: at, device: 'a', value: 1 },
      { ts: at, device: 'b', value: 2 },
    ]);
  cpSync(folder.path('live'), folder.path('data'), { recursive: true });
  for (const name of ['metadata', ...Array.from({ length: vgroups }, (_, at) => `vgroup-0${at}`)])
    rmSync(folder.path(`data/${name}/next.wal`), { force: true });
  await mill.close();
}

const inspect = (name: string, ...args: string[]) => millrace('inspect', folder.path(name), ...args);

async function piecesOf(name: string) {
  return objectsOf((await inspect(name, '--json')).stdout) as {
    kind: string;
    offset: number;
    bytes: number;
    commit: number;
  }[];
}

const kindsOf = (pieces: readonly { kind: string }[]) => pieces.map(({ kind }) => kind).join(' ');

function damage(name: string, offset: number, bytes: Buffer): void {
  overwrite(folder.path(name), offset, bytes);
}

/** What does not change from run to run. */
const settled = (text: string) =>
  text
    .replaceAll(`${folder.path('')}/`, '')
    .replaceAll(/2\d{3}-\d\d-\d\dT[\d:.]+Z, durable/g, 'TIME, durable')
    .replaceAll(/[0-9a-f]{32}/g, 'ID')
    .replaceAll(/[\d.]+ KiB/g, 'SIZE')
    .replaceAll(/\.wal: [\d,]+ bytes/g, '.wal: BYTES');

it('says in words what is in a mill', async () => {
  await filled();
  const { code, stdout, stderr } = await inspect('data');
  expect([code, stderr]).toEqual([0, '']);
  const lines = settled(stdout);
  expect(lines).toBe(`mill ID in data: 1 VGroup
manifest: sequence 1, two equal copies; everything up to commit 0 is in segments, the next lsn is 1, the log goes on in file number 1
data/metadata/current.wal: BYTES
  log of metadata, file number 1, of mill ID
${lines.split('\n').slice(4, 9).join('\n')}
data/vgroup-00/current.wal: BYTES
  log of vgroup-00, file number 1, of mill ID
  at 64, 168 bytes: commit 2, lsn 1 to 2, TIME, durable 1, in vgroup-00
      readings (stream 1), version 1: 2 rows of 2 keys, 96 bytes
  at 232, 168 bytes: commit 3, lsn 3 to 4, TIME, durable 2, in vgroup-00
      readings (stream 1), version 1: 2 rows of 2 keys, 96 bytes
  at 400, 168 bytes: commit 4, lsn 5 to 6, TIME, durable 3, in vgroup-00
      readings (stream 1), version 1: 2 rows of 2 keys, 96 bytes
  3 frames, the last of commit 4, up to byte 568; then 3,528 bytes of zeros, prepared: clean
`);
  for (const words of [
    'stream readings is number 1, version 1: ts timestamp() as event time, device key(string()), value float64()',
    'opened at level sync',
    'lsns below 16,777,217 may be given',
  ])
    expect(lines).toContain(`\n      ${words}\n`);
});

it('says what is in the segments of a mill that was closed', async () => {
  const mill = await started(folder.path('data'));
  await appended(mill, 1, 14);
  await mill.checkpoint();
  await appended(mill, 15, 21);
  await mill.close();
  const { code, stdout, stderr } = await inspect('data');
  expect([code, stderr]).toEqual([0, '']);
  expect(settled(stdout)).toMatch(`mill ID in data: 1 VGroup
manifest: sequence 3, two equal copies; everything up to commit 4 is in segments, the next lsn is 22, the log goes on in file number 3
stream 1: readings, version 1: ts timestamp() as event time, device key(string()), value float64()
segments of readings: 2 files, 21 rows, SIZE
  00000001.arrow: version 1, 14 rows in 1 block, SIZE, lsn 1 to 14, event time 2024-01-01T00:00:00.001Z to 2024-01-01T00:00:00.014Z
  00000002.arrow: version 1, 7 rows in 1 block, SIZE, lsn 15 to 21, event time 2024-01-01T00:00:00.015Z to 2024-01-01T00:00:00.021Z
data/metadata/current.wal: BYTES
  log of metadata, file number 3, of mill ID
`);
  expect(stdout).toContain('\n      closed in order, the next lsn is 22\n');
  const pieces = await piecesOf('data');
  expect(kindsOf(pieces)).toBe('mill stream segment segment file frame end file end');
  expect(pieces[2]).toMatchObject({ stream: 'readings', rows: 14, blocks: 1, firstLsn: 1, lastLsn: 14, fault: null });
  const one = await inspect('data/segments/00000002.arrow');
  expect(one.stdout).toMatch(
    /00000002\.arrow: readings, version 1, 7 rows in 1 block.*\n {2}at [\d,]+, [\d,]+ bytes: 7 rows, lsn 15 to 21, .*, keys dev-0 to dev-4\n$/,
  );
});

it('says which segments are missing, too short, or left over', async () => {
  await killed(folder.path('data'));
  rmSync(folder.path('data/segments/00000001.arrow'));
  shorten(folder.path('data/segments/00000002.arrow'), 8);
  folder.write('data/segments/00000009.arrow', 'half a segment');
  const { code, stdout } = await inspect('data');
  expect(code).toBe(3);
  expect(stdout).toMatch(/00000001\.arrow: .*; DAMAGED: the file is missing\n/);
  expect(stdout).toMatch(/00000002\.arrow: .*; DAMAGED: it has [\d,]+ bytes in place of [\d,]+\n/);
  expect(stdout).toMatch(/00000003\.arrow: [^;]*\n/);
  expect(stdout).toMatch(/left from a crash, or just being made: .*00000009\.arrow\n/);
});

it('says how commits are spread over VGroups', async () => {
  await filled(4);
  const { stdout } = await inspect('data');
  expect(stdout).toMatch(/4 VGroups/);
  expect(stdout).toMatch(/lsn 1 to 2 \(1 of these events here\), .* in vgroup-\d\d \+ vgroup-\d\d\n/);
});

it('shows some frames only, and numbers instead of names for a file that was copied elsewhere', async () => {
  await filled();
  copyFileSync(folder.path(LOG), folder.path('copy.wal'));
  const { code, stdout } = await inspect('copy.wal', '--limit', '1');
  expect(code).toBe(0);
  expect(stdout).toMatch(/stream 1, version 1: 2 rows of 2 keys/);
  expect(stdout).toMatch(/and 2 more frames\n {2}3 frames, the last of commit 4/);
});

it('goes on behind a frame that is damaged', async () => {
  await filled();
  damage(LOG, 232 + 100, Buffer.from('damage'));
  const { code, stdout } = await inspect('data');
  expect(code).toBe(3);
  expect(stdout).toContain(
    '  at 232: 168 bytes that cannot be read: a frame of commit 3 begins there, but its checksum is wrong. A valid frame follows at 400.\n',
  );
  expect(stdout).toMatch(
    /commit 2,[\s\S]*commit 4,[\s\S]*2 frames, the last of commit 4, up to byte 568; then 3,528 bytes of zeros/,
  );
  expect(kindsOf(await piecesOf(LOG))).toBe('file frame gap frame end');
});

it.each([
  [
    'a torn end',
    400,
    Buffer.alloc(168, 7),
    /2 frames, the last of commit 3, up to byte 400; bytes 400 to 568 cannot be read: no frame begins there, then 3,528 bytes of zeros\. No valid frame follows/,
  ],
  [
    'zeros instead of a frame',
    232,
    Buffer.alloc(168),
    /at 232: 168 bytes of zeros that cannot be read: no frame begins there\. A valid frame follows at 400/,
  ],
  ['an impossible length', 232 + 4, Buffer.from([0xff, 0xff, 0xff, 0xff]), /its frame header has an impossible length/],
  [
    'a damaged magic of the file',
    0,
    Buffer.from('X'),
    /damaged header: .*does not begin with "MILLRACE"[\s\S]*3 frames/,
  ],
  ['a damaged file number', 32, Buffer.from([9]), /damaged header: .*checksum is wrong[\s\S]*3 frames/],
  [
    'a damaged checksum of the header',
    56,
    Buffer.from([1, 2, 3]),
    /damaged header: .*checksum is wrong[\s\S]*3 frames/,
  ],
])('reads on after %s', async (_, offset, bytes, words) => {
  await filled();
  damage(LOG, offset, bytes);
  const { code, stdout } = await inspect(LOG);
  expect(code).toBe(3);
  expect(stdout).toMatch(words);
});

it('reads a file that ends anywhere', async () => {
  await filled();
  for (const [length, frames] of [
    [0, 0],
    [10, 0],
    [HEADER_BYTES, 0],
    [100, 0],
    [231, 0],
    [232, 1],
    [300, 1],
    [568, 3],
  ] as const) {
    writeFileSync(folder.path('cut.wal'), readFileSync(folder.path(LOG)));
    truncateSync(folder.path('cut.wal'), length);
    const { code, stderr, stdout } = await inspect('cut.wal', '--json');
    if (length < 8) expect([code, stderr]).toEqual([1, expect.stringMatching(/is not a log file of millrace/)]);
    else {
      expect(stderr).toBe('');
      expect(code).toBe([HEADER_BYTES, 232, 568].includes(length) ? 0 : 3);
      expect(objectsOf(stdout).filter(({ kind }) => kind === 'frame')).toHaveLength(frames);
    }
  }
});

it('says when a manifest is damaged or missing, and reads the logs', async () => {
  await filled();
  for (const copy of ['a', 'b']) {
    writeFileSync(folder.path(`data/manifest-${copy}.json`), 'nonsense');
    const { code, stdout } = await inspect('data');
    expect(code).toBe(copy === 'a' ? 0 : 3);
    expect(stdout).toMatch(copy === 'a' ? /one of the two copies is missing, damaged or old/ : /is not a manifest/);
    expect(stdout).toMatch(/3 frames, the last of commit 4/);
  }
});

it('refuses what is no log', async () => {
  folder.write('table.csv', 'ts,value\n1,2\n');
  const { code, stderr } = await inspect('table.csv');
  expect(code).toBe(1);
  expect(stderr).toMatch(/table\.csv is not a log file of millrace/);
  const empty = await inspect('');
  expect([empty.code, empty.stderr]).toEqual([1, expect.stringMatching(/is neither a mill nor a log file/)]);
});

it('changes nothing, and needs no lock', async () => {
  await filled();
  const mill = await started(folder.path('data'));
  await appended(mill, 1, 14);
  await mill.checkpoint();
  // What the mill itself has prepared.
  const image = () => [...imageOf(folder.path('data'))].filter(([name]) => !name.endsWith('next.wal'));
  const before = image();
  expect(millraceMeanwhile('inspect', folder.path('data')).code).toBe(0);
  expect(image()).toEqual(before);
  await mill.close();
});

it('finds everything in its place while another process takes checkpoints', async () => {
  const mill = await started(folder.path('data'));
  let isOver = false;
  const looking = (async () => {
    for (let look = 0; look < 8; look++) {
      const { code, stdout, stderr } = await inspect('data', '--limit', '0');
      expect([code, stderr]).toEqual([0, '']);
      expect(stdout).not.toMatch(/DAMAGED/);
    }
  })().finally(() => (isOver = true));
  for (let lsn = 0; !isOver; lsn += 7) {
    await appended(mill, lsn + 1, lsn + 7);
    await mill.checkpoint();
  }
  await looking;
  await mill.close();
});
