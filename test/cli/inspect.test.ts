import { copyFileSync, openSync, readFileSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { float64, key, Millrace, string, timestamp } from '../../src/index.js';
import { millrace, objectsOf, useFolder } from './support.js';

const folder = useFolder();
const LOG = 'data/vgroup-00/current.wal';
const HEADER_BYTES = 64;

/** A mill with three commits of two events, closed in order. */
async function filled(vgroups = 1): Promise<void> {
  const mill = new Millrace(folder.path('data'), { vgroups, logFileBytes: 4096 });
  const readings = mill.stream('readings', { schema: { ts: timestamp(), device: key(string()), value: float64() } });
  await mill.start();
  for (let at = 0; at < 3; at++)
    await readings.appendMany([
      { ts: at, device: 'a', value: 1 },
      { ts: at, device: 'b', value: 2 },
    ]);
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
  writeSync(openSync(folder.path(name), 'r+'), bytes, 0, bytes.length, offset);
}

it('says in words what is in a mill', async () => {
  await filled();
  const { code, stdout, stderr } = await inspect('data');
  expect([code, stderr]).toEqual([0, '']);
  const lines = stdout
    .replaceAll(`${folder.path('')}/`, '')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
    .replaceAll(/[0-9a-f]{32}/g, 'ID');
  expect(lines).toBe(`mill ID in data: 1 VGroup, the log begins after commit 0, lsn 1
data/metadata/current.wal: 4,096 bytes
  log of metadata, file number 1, of mill ID
${lines.split('\n').slice(3, 10).join('\n')}
data/vgroup-00/current.wal: 4,096 bytes
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
    'closed in order, the next lsn is 7',
  ])
    expect(lines).toContain(`\n      ${words}\n`);
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
    expect(stdout).toMatch(copy === 'a' ? /one of the two copies .* is missing, damaged or old/ : /is not a manifest/);
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
  const mill = new Millrace(folder.path('data'));
  await mill.start();
  const before = readFileSync(folder.path(LOG));
  expect((await inspect('data')).code).toBe(0);
  expect(readFileSync(folder.path(LOG)).equals(before)).toBe(true);
  await mill.close();
});
