import { rmSync } from 'node:fs';
import { bytes, float64, int64, json, Millrace, string, timestamp } from '../../src/index.js';
import { appended, imageOf, killed, overwrite, reading, READINGS as SCHEMA, START, started } from './mills.js';
import { millrace, millraceMeanwhile, objectsOf, Running, useFolder } from './support.js';

const folder = useFolder();

const tail = (...args: string[]) => millrace('tail', ...args, '--dir', folder.path('data'));
const lsnsOf = (text: string) => objectsOf(text).map(({ lsn }) => lsn);
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => from + at);

/** A live mill with events 1 to `count`, in commits of 7. */
async function filled(count: number, vgroups: number): Promise<Millrace> {
  const mill = await started(folder.path('data'), { vgroups });
  await appended(mill, 1, count);
  return mill;
}

describe.each([1, 4])('millrace tail with %d VGroups', (vgroups) => {
  it('shows the last events, those from a place, or none', async () => {
    await (await filled(100, vgroups)).close();
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

describe.each([1, 4])('millrace tail --follow with %d VGroups', (vgroups) => {
  it('leaves nothing out and shows nothing twice while another process takes checkpoints and merges segments', async () => {
    const mill = await started(folder.path('data'), { vgroups });
    const tails = ['earliest', 'latest', '150'].map(
      (from) => new Running(['tail', 'readings', '--follow', '--from', from, '--dir', folder.path('data')]),
    );
    let lsn = 0;
    let mostSegments = 0;
    // Until every tail shows something, however long its process takes to start.
    const isOver = (until: number) => Date.now() > until && tails.every(({ stdout }) => stdout !== '');
    for (const until = Date.now() + 4_000; !isOver(until) && Date.now() < until + 20_000; ) {
      await appended(mill, lsn + 1, lsn + 21);
      lsn += 21;
      await mill.checkpoint();
      mostSegments = Math.max(mostSegments, mill.metrics().segments.count);
    }
    // Merges took place, or there would be a segment for each checkpoint.
    expect(mostSegments).toBeLessThan(lsn / 21);
    for (const following of tails) {
      await following.says(new RegExp(`"lsn":${lsn},`));
      const { code, stdout, stderr } = await following.kill('SIGINT');
      expect([code, stderr]).toEqual([0, '']);
      const lsns = lsnsOf(stdout) as number[];
      expect(lsns).toEqual(range(lsns[0]!, lsn));
    }
    expect(lsnsOf(tails[0]!.stdout)[0]).toBe(1);
    expect(lsnsOf(tails[2]!.stdout)[0]).toBe(150);
    await mill.close();
  });
});

it('shows nothing that a kill of the other process takes back', async () => {
  const args = ['--dir', folder.path('data'), '--every', '10ms'];
  const first = new Running(args);
  await first.says(/cpu all cores/);
  const following = new Running(['tail', 'cpu', '--follow', '--from', 'earliest', '--dir', folder.path('data')]);
  await following.says(/"lsn":/);
  await first.kill('SIGKILL');
  for (let run = 0; run < 3; run++) {
    const monitor = new Running(args);
    await monitor.says(/(cpu all cores .*\n[\s\S]*){2}/);
    if (run < 2) await monitor.kill('SIGKILL');
    else await monitor.kill('SIGINT');
  }
  const lines = (await tail('cpu', '--from', 'earliest')).stdout.trimEnd().split('\n');
  const [last] = lsnsOf(lines.at(-1)!);
  await following.says(new RegExp(`"lsn":${String(last)},`));
  const { stdout } = await following.kill('SIGINT');
  expect(stdout.trimEnd().split('\n')).toEqual(lines);
});

it('shows only what is known to be durable', async () => {
  const mill = await filled(7, 1);
  // The commit itself does not say that it was synced; the next one, or the mark of an idle log, does.
  const tailNow = () => lsnsOf(millraceMeanwhile('tail', 'readings', '--dir', folder.path('data')).stdout);
  expect(tailNow()).toEqual([]);
  await mill.stream('readings').append(reading(8));
  expect(tailNow()).toEqual([1, 2, 3, 4, 5, 6, 7]);
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
  await killed(folder.path('data'));
  const log = folder.path('data/vgroup-00/current.wal');
  const frames = objectsOf((await millrace('inspect', log, '--json')).stdout).filter(({ kind }) => kind === 'frame');
  const second = frames[1]!;
  overwrite(log, (second.offset as number) + 100, Uint8Array.of(1, 2, 3));
  const before = imageOf(folder.path('data'));
  const { code, stdout, stderr } = await tail('readings', '--from', 'earliest');
  expect(code).toBe(1);
  expect(lsnsOf(stdout)).toEqual(range(1, 49));
  expect(stderr).toMatch(
    new RegExp(`damaged at byte ${String(second.offset)}: commit 9 cannot be read .*\\(CORRUPT_LOG\\)`),
  );
  expect(imageOf(folder.path('data'))).toEqual(before);
});

it('reads the last blocks only, where only the last events are wanted', async () => {
  await killed(folder.path('data'));
  for (const number of [1, 2]) rmSync(folder.path(`data/segments/0000000${number}.arrow`));
  const last = await tail('readings', '--lines', '30');
  expect([last.code, lsnsOf(last.stdout)]).toEqual([0, range(34, 63)]);
  const all = await tail('readings', '--lines', '40');
  expect([all.code, all.stdout]).toEqual([1, '']);
  expect(all.stderr).toMatch(/00000002\.arrow is missing.*\(CORRUPT_SEGMENT\)/);
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
