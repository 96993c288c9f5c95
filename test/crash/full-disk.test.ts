import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Agent, rowsIn, rowsOf, temporaryDirectory } from './agent.js';

const mounted: string[] = [];
afterAll(() => {
  for (const directory of mounted) spawnSync('umount', ['-l', directory]);
});
const root = temporaryDirectory();

function mount(...values: string[]): boolean {
  return spawnSync('mount', values).status === 0;
}

/** Mounts a disk of 1 MB; null where this is not allowed. */
function smallDisk(name: string): string | null {
  const directory = join(root, name);
  mkdirSync(directory);
  if (!mount('-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', directory)) return null;
  mounted.push(directory);
  return directory;
}

const disk = smallDisk('disk');
if (disk === null) process.stderr.write('SKIPPED a full disk in test/crash/full-disk.test.ts: mounting takes root\n');

const canLimit = spawnSync('bash', ['-c', 'ulimit -f 64']).status === 0;
if (!canLimit) process.stderr.write('SKIPPED a limited file size in test/crash/full-disk.test.ts: no bash\n');

/** Ids by what became of their events. */
function outcomesOf(agent: Agent): { acknowledged: number[]; rejected: number[]; codes: Set<string> } {
  const acknowledged = agent.heard('ack').map(([, id]) => Number(id));
  const rejected = agent.heard('err').map(([, id]) => Number(id));
  return { acknowledged, rejected, codes: new Set(agent.heard('err').map((said) => said.slice(2).join(' '))) };
}

(disk === null ? describe.skip : describe)('a full disk', () => {
  const directory = join(disk ?? root, 'mill');
  const options = { logFileBytes: 65_536 };

  test('takes no new mill, and does once it has grown', async () => {
    const agent = new Agent();
    const large = { directory: join(disk!, 'large'), options: { logFileBytes: 8 * 1024 * 1024 } };
    await expect(agent.does('start', 'live', large)).rejects.toThrow(/ENOSPC/);
    // A checkpoint needs room for the next file.
    expect(mount('-o', 'remount,size=24m', disk!)).toBe(true);
    await agent.does('start', 'live', large);
    await agent.does('close', 'closed');
    await agent.end();
    spawnSync('rm', ['-rf', large.directory]);
    expect(mount('-o', 'remount,size=1m', disk!)).toBe(true);
  });

  test('rejects what it has no room for, keeps what was acknowledged, and heals', async () => {
    const agent = new Agent();
    await agent.does('start', 'live', { directory, options });
    await agent.does('append', 'appended', { from: 1, count: 300, size: 8_000 });
    const full = outcomesOf(agent);
    expect(full.codes).toEqual(new Set(['NOT_WRITTEN ENOSPC']));
    expect(full.acknowledged.length).toBeGreaterThan(20);
    expect(mount('-o', 'remount,size=4m', disk!)).toBe(true);
    await agent.does('append', 'appended', { from: 1_001, count: 50, size: 8_000 });
    expect(outcomesOf(agent).rejected).toEqual(full.rejected);
    await agent.kill();
    const ids = (await rowsIn(directory)).map(({ id }) => id);
    expect(ids).toEqual(outcomesOf(agent).acknowledged);
  });

  test('lets a mill be opened and read, and closed without a checkpoint', async () => {
    const agent = new Agent();
    await agent.does('start', 'live', { directory });
    await agent.does('append', 'appended', { from: 2_001, count: 1_000, size: 4_000 });
    expect(outcomesOf(agent).codes).toEqual(new Set(['NOT_WRITTEN ENOSPC']));
    await agent.kill();
    const reader = new Agent();
    await reader.does('start', 'live', { directory });
    await reader.does('read', 'read');
    await expect(reader.does('close', 'closed')).rejects.toThrow(/ENOSPC/);
    await reader.end();
    const ids = rowsOf(reader).map(({ id }) => id);
    expect(ids).toEqual(expect.arrayContaining([1, 1_001]));
    expect(ids).toEqual(expect.arrayContaining(outcomesOf(agent).acknowledged));
    expect(mount('-o', 'remount,size=24m', disk!)).toBe(true);
    expect((await rowsIn(directory)).map(({ id }) => id)).toEqual(ids);
    expect((await rowsIn(directory)).map(({ id }) => id)).toEqual(ids);
  });
});

(canLimit ? describe : describe.skip)('a limit to the size of a file', () => {
  test('rejects what goes beyond it, and keeps what was acknowledged', async () => {
    const directory = join(root, 'limited');
    // 128 KiB. The signal must be ignored, as its default is to end the process.
    const agent = new Agent({ under: ['bash', '-c', 'trap "" XFSZ; ulimit -f 128; exec "$0" "$@"'] });
    await agent.does('start', 'live', { directory, options: { logFileBytes: 65_536 } });
    await agent.does('append', 'appended', { from: 1, count: 40, size: 9_000 });
    const { acknowledged, rejected, codes } = outcomesOf(agent);
    expect(codes).toEqual(new Set(['NOT_WRITTEN EFBIG']));
    expect(acknowledged.length).toBeGreaterThan(10);
    await agent.does('append', 'appended', { from: 101, count: 3, size: 8 });
    expect(outcomesOf(agent).rejected).toEqual(rejected);
    await agent.kill();
    expect((await rowsIn(directory)).map(({ id }) => id)).toEqual([...acknowledged, 101, 102, 103]);
  });
});
