import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Agent, rowsIn, temporaryDirectory } from './agent.js';

/** Without the right to trace, or without strace itself, this says plainly that it was skipped. */
const canTrace = spawnSync('strace', ['-f', '-e', 'trace=none', 'true']).status === 0;
const tests = canTrace ? describe : describe.skip;
if (!canTrace) process.stderr.write('SKIPPED test/crash/strace.test.ts: strace does not work here\n');

const root = temporaryDirectory();

/** A new mill with events 1 to 5, and an agent under whose feet system calls on the log of VGroup 0 fail. */
async function broken(
  faults: Readonly<Record<string, string>>,
): Promise<{ agent: Agent; directory: string; log: string }> {
  const directory = mkdtempSync(join(root, 'mill-'));
  const before = new Agent();
  await before.does('start', 'live', { directory, options: { logFileBytes: 64 } });
  await before.does('append', 'appended', { from: 1, count: 5 });
  await before.does('close', 'closed');
  await before.end();
  const log = join(directory, 'strace.log');
  const agent = new Agent({
    under: [
      ...`strace -f -q -o ${log} -P ${directory}/vgroup-00/current.wal`.split(' '),
      `--trace=${Object.keys(faults).join(',')}`,
      ...Object.entries(faults).map(([call, fault]) => `--inject=${call}:${fault}`),
    ],
    // One thread, for strace counts calls by thread.
    environment: { UV_THREADPOOL_SIZE: '1' },
  });
  await agent.does('start', 'live', { directory });
  return { agent, directory, log };
}

/** What became of events from 101 on: `ack`, or the error's code. */
async function outcomes(agent: Agent, count: number, size = 8): Promise<string[]> {
  await agent.does('append', 'appended', { from: 101, count, size });
  return agent.said
    .filter(([word]) => word === 'ack' || word === 'err')
    .map(([word, , code]) => (word === 'ack' ? 'ack' : code!));
}

async function idsIn(directory: string): Promise<number[]> {
  return (await rowsIn(directory)).map(({ id }) => id);
}

const BEFORE = [1, 2, 3, 4, 5];

tests('a system call that fails', () => {
  test('fdatasync, once: the outcome is unknown, nothing more is acknowledged, a restart recovers', async () => {
    // The first sync is that of recovery.
    const { agent, directory, log } = await broken({ fdatasync: 'error=EIO:when=4' });
    expect(await outcomes(agent, 6)).toEqual(['ack', 'ack', 'OUTCOME_UNKNOWN', 'POISONED', 'POISONED', 'POISONED']);
    await expect(agent.does('close', 'closed')).rejects.toThrow(/sync/);
    await agent.end();
    expect(readFileSync(log, 'utf8')).toContain('(INJECTED)');
    const ids = await idsIn(directory);
    expect([
      [...BEFORE, 101, 102],
      [...BEFORE, 101, 102, 103],
    ]).toContainEqual(ids);
  });

  test('fdatasync in a start: the start fails, the next one recovers', async () => {
    await expect(broken({ fdatasync: 'error=EIO:when=1' })).rejects.toThrow(/EIO/);
  });

  test('pwrite64, for want of room: that event is not written, the next ones are', async () => {
    const { agent, directory } = await broken({ pwrite64: 'error=ENOSPC:when=3' });
    expect(await outcomes(agent, 6)).toEqual(['ack', 'ack', 'NOT_WRITTEN', 'ack', 'ack', 'ack']);
    await agent.does('close', 'closed');
    await agent.end();
    expect(await idsIn(directory)).toEqual([...BEFORE, 101, 102, 104, 105, 106]);
  });

  test('pwrite64, again and again, then kill -9: nothing that was rejected comes back', async () => {
    const { agent, directory } = await broken({ pwrite64: 'error=EIO:when=2+2' });
    expect(await outcomes(agent, 5)).toEqual(['ack', 'NOT_WRITTEN', 'ack', 'NOT_WRITTEN', 'ack']);
    await agent.kill();
    expect(await idsIn(directory)).toEqual([...BEFORE, 101, 103, 105]);
  });

  test('pwrite64, and the cut that would take it back: the outcome is unknown', async () => {
    const { agent, directory } = await broken({ pwrite64: 'error=ENOSPC:when=2', ftruncate: 'error=EIO:when=1' });
    expect(await outcomes(agent, 4)).toEqual(['ack', 'OUTCOME_UNKNOWN', 'POISONED', 'POISONED']);
    await agent.kill();
    expect(await idsIn(directory)).toEqual([...BEFORE, 101]);
  });

  test('fdatasync, killed in the middle of it: what was acknowledged is there', async () => {
    const { agent, directory } = await broken({ fdatasync: 'signal=SIGKILL:when=4' });
    agent.send('append', { from: 101, count: 6 });
    await agent.end();
    expect(agent.heard('ack').map(([, id]) => Number(id))).toEqual([101, 102]);
    expect((await idsIn(directory)).slice(0, 7)).toEqual([...BEFORE, 101, 102]);
  });
});
