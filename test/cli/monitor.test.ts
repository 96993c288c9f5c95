import { readdirSync } from 'node:fs';
import { overwrite } from './mills.js';
import { millrace, objectsOf, Running, useFolder } from './support.js';

const folder = useFolder();

/** Runs a monitor until it has said so many lines with samples. */
async function monitored(lines: number, ...args: string[]): Promise<Running> {
  const running = new Running(['--dir', folder.path('data'), ...args]);
  await running.says(new RegExp(`(cpu all cores .*\\n[\\s\\S]*){${lines}}`));
  return running;
}

/** The ten seconds up to each second, computed from all values; without the last second. */
function windowsOf(values: readonly { readonly at: number; readonly value: number }[]) {
  const [first, last] = [values[0]!.at, values.at(-1)!.at];
  const windows = [];
  for (let end = Math.floor(first / 1_000) * 1_000 + 1_000; end <= last - 1_000; end += 1_000) {
    const inside = values.filter(({ at }) => at >= end - 10_000 && at < end).map(({ value }) => value);
    if (inside.length === 0) continue;
    const [min, max] = [Math.min(...inside), Math.max(...inside)];
    windows.push({ end, count: inside.length, min, max, last: inside.at(-1) });
  }
  return windows;
}

describe('millrace monitor in a pipe', () => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    it(`writes plain lines and closes in order at ${signal}`, async () => {
      const running = await monitored(1);
      const { code, stdout, stderr } = await running.kill(signal);
      expect([code, stderr]).toEqual([0, '']);
      expect(stdout).toMatch(/is a new mill\.\n/);
      expect(stdout).toMatch(
        /\| lsn \d+ \| no checkpoint in this run yet \| unsaved .* \| log .* \| snapshot empty \| derived: ten_seconds per_minute latest recent_minutes live \| \d+ entries \| events per commit .* \| commit latency p50 .* p99 .* \| since \S+Z \d+ samples? \| cpu all cores/,
      );
      expect(stdout).toMatch(/is closed in order at lsn [\d,]+, with \d+ segments of .*\.\n$/);
      expect(stdout).not.toContain('\x1b');
      const next = await millrace('--dir', folder.path('data'), '--duration', '10ms');
      expect(next.stdout).toMatch(/was closed in order, with \d+ segments of .*: started in .*\.\n/);
    });
  }

  it('says after a kill -9 what it recovered, and goes on', async () => {
    const killed = await monitored(1);
    await killed.kill('SIGKILL');
    const lsn = Number(/lsn (\d+)/.exec(killed.stdout)![1]);
    const { code, stdout } = await millrace('--dir', folder.path('data'), '--duration', '300ms');
    expect(code).toBe(0);
    const [, events] =
      /was not closed in order: [\d,]+ commits with ([\d,]+) events recovered in .*; nothing had to be cut\./.exec(
        stdout,
      )!;
    expect(Number(events!.replaceAll(',', ''))).toBeGreaterThanOrEqual(lsn);
    const tailed = await millrace('tail', 'memory', '--dir', folder.path('data'), '--from', 'earliest');
    const lsns = objectsOf(tailed.stdout).map((event) => event.lsn as number);
    expect(lsns).toEqual([...new Set(lsns)].sort((a, b) => a - b));
  });

  it('goes on after a kill -9 with the windows that were open', async () => {
    const dir = folder.path('data');
    const killed = await monitored(2, '--every', '50ms');
    await killed.kill('SIGKILL');
    const [minute, samples] = [...killed.stdout.matchAll(/since (\S+) (\d+) samples/g)].at(-1)!.slice(1) as [
      string,
      string,
    ];
    const next = await millrace('--dir', dir, '--every', '50ms', '--duration', '3500ms');
    expect(next.stdout).toContain('derived: ten_seconds per_minute latest recent_minutes live');
    // The minute that was open, or, if it is over by now, complete.
    const [, later] = new RegExp(`(?:since ${minute}|minute ${minute} \\|) (\\d+) samples`).exec(next.stdout)!;
    expect(Number(later)).toBeGreaterThanOrEqual(Number(samples));

    const all = async (stream: string) =>
      objectsOf((await millrace('tail', stream, '--dir', dir, '--from', 'earliest')).stdout);
    const used = (await all('memory')).map((event) => ({
      at: Date.parse(event.ts as string),
      value: event.used as number,
    }));
    const windows = (await all('ten_seconds'))
      .filter(({ metric }) => metric === 'memory.used')
      .map(({ end, count, min, max, last }) => ({ end: Date.parse(end as string), count, min, max, last }));
    const expected = windowsOf(used);
    // In the last second one sample may have had less to say than others.
    expect(windows.slice(0, expected.length)).toEqual(expected);
    expect(windows.length - expected.length).toBeLessThanOrEqual(1);
    expect((await millrace('verify', dir)).code).toBe(0);
  }, 60_000);

  it('says what was cut and where its copy is', async () => {
    await (await monitored(1)).kill('SIGKILL');
    const log = folder.path('data/vgroup-00/current.wal');
    const inspected = await millrace('inspect', log, '--json');
    const { end } = objectsOf(inspected.stdout).at(-1) as { end: number };
    overwrite(log, end, Buffer.alloc(100, 'x'));
    const verified = await millrace('verify', folder.path('data'));
    expect([verified.code, verified.stdout]).toEqual([
      0,
      expect.stringMatching(/has 100 bytes at byte .* never promised/),
    ]);
    const { code, stdout } = await millrace('--dir', folder.path('data'), '--duration', '10ms');
    expect(code).toBe(0);
    expect(stdout).toMatch(/1 commit that was never promised was cut \(100 B\), copy in \S+\/data\/cut\./);
    expect(readdirSync(folder.path('data/cut'))).toHaveLength(1);
  });

  it('samples into the streams, as often as it is told', async () => {
    await millrace('--dir', folder.path('data'), '--every', '20ms', '--duration', '500ms');
    const cpu = objectsOf((await millrace('tail', 'cpu', '--dir', folder.path('data'), '--from', 'earliest')).stdout);
    expect(new Set(cpu.map(({ core }) => core))).toEqual(expect.objectContaining(new Set(['all', '0'])));
    for (const { used } of cpu) expect(used).toBeGreaterThanOrEqual(0);
    const memory = objectsOf(
      (await millrace('tail', 'memory', '--dir', folder.path('data'), '--from', 'earliest')).stdout,
    );
    expect(memory.length).toBeGreaterThan(5);
    expect(Object.keys(memory[0]!)).toEqual(['lsn', 'ts', 'used', 'free', 'rss', 'heap']);
    for (const stream of ['load', 'event_loop'])
      expect((await millrace('tail', stream, '--dir', folder.path('data'), '--lines', '1')).stdout).not.toBe('');
  });

  it('keeps at level off what was there at a close, and says that a crash would take it', async () => {
    const { code, stdout } = await millrace('--dir', folder.path('data'), '--level', 'off', '--duration', '300ms');
    expect(code).toBe(0);
    expect(stdout).toMatch(/Level off: a crash or a kill takes what was written since the last checkpoint/);
    const [, lsn] = /is closed in order at lsn (\d+)/.exec(stdout)!;
    const cpu = objectsOf((await millrace('tail', 'cpu', '--dir', folder.path('data'), '--from', 'earliest')).stdout);
    expect(cpu.length).toBeGreaterThan(0);
    expect(cpu.at(-1)!.lsn).toBeLessThanOrEqual(Number(lsn));
    expect((await millrace('verify', folder.path('data'))).code).toBe(0);
  });

  it('closes the mill quietly when its reader goes away', async () => {
    const running = await monitored(1);
    running.child.stdout.destroy();
    const { code, stderr } = await running.ended;
    expect([code, stderr]).toEqual([0, '']);
    const next = await millrace('--dir', folder.path('data'), '--duration', '10ms');
    expect(next.stdout).toMatch(/was closed in order/);
  });

  it('does not take a mill that another one holds', async () => {
    const running = await monitored(1);
    const { code, stderr } = await millrace('--dir', folder.path('data'));
    expect(code).toBe(1);
    expect(stderr).toMatch(/^millrace: .*is open already.*\(LOCKED\)\n$/);
    await running.kill('SIGINT');
  });
});
