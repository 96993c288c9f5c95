import { openSync, readFileSync, writeSync } from 'node:fs';
import { bytes, float64, int64, json, key, Millrace, string, timestamp } from '../../src/index.js';
import { millrace, objectsOf, Running, useFolder } from './support.js';

const folder = useFolder();
const SCHEMA = { ts: timestamp(), device: key(string()), value: float64() };
const START = Date.UTC(2024, 0, 1);

const tail = (...args: string[]) => millrace('tail', ...args, '--dir', folder.path('data'));
const lsnsOf = (text: string) => objectsOf(text).map(({ lsn }) => lsn);
const reading = (at: number) => ({ ts: START + at, device: `dev-${at % 5}`, value: at });

/** A mill with events 1 to `count` of a stream, in commits of 7, some in between of another stream. */
async function filled(count: number, vgroups: number): Promise<Millrace> {
  const mill = new Millrace(folder.path('data'), { vgroups });
  const readings = mill.stream('readings', { schema: SCHEMA });
  await mill.start();
  for (let at = 1; at <= count; at += 7)
    await readings.appendMany(Array.from({ length: Math.min(7, count + 1 - at) }, (_, more) => reading(at + more)));
  return mill;
}

describe.each([1, 4])('millrace tail with %d VGroups', (vgroups) => {
  it('shows the last events, those from a place, or none', async () => {
    await (await filled(100, vgroups)).close();
    const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => from + at);
    for (const [args, lsns] of [
      [[], range(91, 100)],
      [['--lines', '3'], range(98, 100)],
      [['--lines', '15'], range(86, 100)],
      [['--lines', '1000'], range(1, 100)],
      [['--lines', '0'], []],
      [['--from', 'earliest'], range(1, 100)],
      [
        ['--from', 'earliest', '--lines', '2'],
        [1, 2],
      ],
      [['--from', '97'], range(97, 100)],
      [
        ['--from', '50', '--lines', '3'],
        [50, 51, 52],
      ],
      [['--from', '101'], []],
      [['--from', 'latest'], []],
    ] as const) {
      const { code, stdout, stderr } = await tail('readings', ...args);
      expect([code, stderr, lsnsOf(stdout)]).toEqual([0, '', lsns]);
    }
    expect(objectsOf((await tail('readings', '--lines', '1')).stdout)).toEqual([
      { lsn: 100, ts: new Date(START + 100).toISOString(), device: 'dev-0', value: 100 },
    ]);
  });

  it('goes on with what becomes durable, while another process writes', async () => {
    const mill = await filled(20, vgroups);
    const readings = mill.stream('readings');
    const following = new Running(['tail', 'readings', '--follow', '--lines', '5', '--dir', folder.path('data')]);
    await following.says(/"lsn":1\d/);
    for (let at = 21; at <= 60; at++) await readings.append(reading(at));
    // The last commit is known to be durable only when the log falls idle.
    await following.says(/"lsn":60/);
    const { code, stdout } = await following.kill('SIGINT');
    expect(code).toBe(0);
    const lsns = lsnsOf(stdout) as number[];
    expect(lsns).toEqual(Array.from({ length: lsns.length }, (_, at) => lsns[0]! + at));
    expect(lsns.at(-1)).toBe(60);
    await mill.close();
  });
});

it('shows only what is known to be durable', async () => {
  const mill = await filled(7, 1);
  // The commit itself does not say that it was synced; the next one, or the mark of an idle log, does.
  expect(lsnsOf((await tail('readings')).stdout)).toEqual([]);
  await mill.stream('readings').append(reading(8));
  expect(lsnsOf((await tail('readings')).stdout)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  await mill.close();
  expect(lsnsOf((await tail('readings')).stdout)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
});

it('runs while a monitor has the mill', async () => {
  const monitor = new Running(['--dir', folder.path('data')]);
  await monitor.says(/cpu all cores/);
  const { code, stdout } = await tail('cpu', '--lines', '4');
  expect(code).toBe(0);
  expect(objectsOf(stdout)).toHaveLength(4);
  expect((await monitor.kill('SIGINT')).code).toBe(0);
});

it('says every type so that it can be read', async () => {
  const mill = new Millrace(folder.path('data'));
  const things = mill.stream('things', {
    schema: { lsn: string(), ts: timestamp(), big: int64(), blob: bytes(), any: json(), number: float64().optional() },
  });
  await mill.start();
  const any = { when: new Date(START), big: 1n, nan: Number.NaN, list: [new Uint8Array([1])] };
  await things.append({ lsn: 'own', ts: START, big: 2n ** 60n, blob: Uint8Array.of(0, 255), any, number: -1 / 0 });
  await things.append({ lsn: 'a b', ts: START, big: 0n, blob: new Uint8Array(0), any: null });
  await mill.close();
  const time = new Date(START).toISOString();
  expect(objectsOf((await tail('things', '--json')).stdout)).toEqual([
    {
      $lsn: 1,
      lsn: 'own',
      ts: time,
      big: String(2n ** 60n),
      blob: 'AP8=',
      any: { when: time, big: '1', nan: 'NaN', list: ['AQ=='] },
      number: '-Infinity',
    },
    { $lsn: 2, lsn: 'a b', ts: time, big: '0', blob: '', any: null },
  ]);
  expect((await tail('things', '--no-json', '--lines', '1')).stdout).toBe(
    `       2  ${time}  lsn="a b"  big=0  blob=""  any=null\n`,
  );
});

it('shows columns that were added later', async () => {
  await (await filled(3, 1)).close();
  const mill = new Millrace(folder.path('data'));
  mill.stream('readings', { schema: { ...SCHEMA, unit: string().optional() } });
  await mill.start();
  await mill.stream('readings').append({ ...reading(4), unit: 'K' });
  await mill.close();
  expect(objectsOf((await tail('readings', '--lines', '2')).stdout)).toEqual([
    expect.not.objectContaining({ unit: 'K' }),
    expect.objectContaining({ lsn: 4, unit: 'K' }),
  ]);
});

it('names the streams that there are', async () => {
  await (await filled(3, 1)).close();
  const { code, stderr } = await tail('reading');
  expect(code).toBe(1);
  expect(stderr).toMatch(/There is no stream "reading" in .*; it has readings\. \(UNKNOWN_STREAM\)/);
});

it('shows what can be read of a damaged log, says where it ends, and changes nothing', async () => {
  await (await filled(70, 1)).close();
  const log = folder.path('data/vgroup-00/current.wal');
  const frames = objectsOf((await millrace('inspect', log, '--json')).stdout).filter(({ kind }) => kind === 'frame');
  const fifth = frames[4]!;
  writeSync(openSync(log, 'r+'), Buffer.from([1, 2, 3]), 0, 3, (fifth.offset as number) + 100);
  const before = readFileSync(log);
  const { code, stdout, stderr } = await tail('readings', '--from', 'earliest');
  expect(code).toBe(1);
  expect(lsnsOf(stdout)).toHaveLength(28);
  expect(stderr).toMatch(new RegExp(`cannot be read at byte ${String(fifth.offset)}.*\\(CORRUPT_LOG\\)`));
  expect(readFileSync(log).equals(before)).toBe(true);
});

it('ends quietly when its reader goes away', async () => {
  await (await filled(2_000, 1)).close();
  const running = new Running(['tail', 'readings', '--from', 'earliest', '--follow', '--dir', folder.path('data')]);
  await running.says(/"lsn":1,/);
  running.child.stdout.destroy();
  // A pipe is found closed when something is written into it.
  const mill = new Millrace(folder.path('data'));
  const readings = mill.stream('readings', { schema: SCHEMA });
  await mill.start();
  for (let at = 0; at < 3; at++) await readings.append(reading(at));
  await mill.close();
  const { code, stderr } = await running.ended;
  expect([code, stderr]).toEqual([0, '']);
});
