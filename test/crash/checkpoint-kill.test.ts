import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { Agent, rowsIn, temporaryDirectory } from './agent.js';

/** Without the right to trace, or without strace itself, this says plainly that it was skipped. */
const canTrace = spawnSync('strace', ['-f', '-e', 'trace=none', 'true']).status === 0;
const tests = canTrace ? describe : describe.skip;
if (!canTrace) process.stderr.write('SKIPPED test/crash/checkpoint-kill.test.ts: strace does not work here\n');

const POINTS = Number(process.env.MILLRACE_KILL_POINTS ?? 2);
/** System calls of a writer that takes a checkpoint every 25 ms and merges after some; of each, how many belong to the first ones. */
const CALLS = [
  { call: 'rename', calls: 60 },
  { call: 'unlink', calls: 40 },
  { call: 'fsync', calls: 120 },
  { call: 'fdatasync', calls: 200 },
  { call: 'ftruncate', calls: 60 },
  { call: 'pwrite64', calls: 200 },
] as const;

const root = temporaryDirectory();
const OPTIONS = { checkpointInterval: 25, logFileBytes: 65_536, commitEventsMax: 64 };

tests('a writer that takes checkpoints, killed in the middle of a system call', () => {
  const points = CALLS.flatMap(({ call, calls }) =>
    Array.from({ length: POINTS }, (_, at) => ({
      call,
      nth: 1 + Math.floor(Math.random() * calls),
      vgroups: at % 2 ? 4 : 1,
    })),
  );

  test.each(points)(
    '$call number $nth, $vgroups VGroups: nothing that was acknowledged is lost',
    async (point) => {
      const { call, nth, vgroups } = point;
      const directory = mkdtempSync(join(root, 'mill-'));
      const options = { ...OPTIONS, vgroups };
      const before = new Agent();
      await before.does('start', 'live', { directory, options });
      await before.does('write', 'written', { from: 1_000_000, appenders: 3, count: 500 });
      await before.kill();
      const agent = new Agent({
        under: [
          'strace',
          '-f',
          '-q',
          '-o',
          '/dev/null',
          `--trace=${call}`,
          `--inject=${call}:signal=SIGKILL:when=${nth}`,
        ],
        // One thread, for strace counts calls by thread.
        environment: { UV_THREADPOOL_SIZE: '1' },
      });
      agent.send('start', { directory, options });
      agent.send('write', { from: 2_000_000, appenders: 3, count: 100_000 });
      await agent.end();
      const rows = await rowsIn(directory, { vgroups });
      const lsnOf = new Map(rows.map(({ id, lsn }) => [id, lsn]));
      expect(lsnOf.size).toBe(rows.length);
      const acknowledged = [before, agent].flatMap((one) => acknowledgedBy(one));
      expect(acknowledged.filter(({ id, lsn }) => lsnOf.get(id) !== lsn)).toEqual([]);
      // And the start after that finds the same.
      expect(await rowsIn(directory, { vgroups })).toEqual(rows);
    },
    60_000,
  );
});

function acknowledgedBy(agent: Agent): { id: number; lsn: number }[] {
  const single = agent.heard('ack').map(([, id, lsn]) => ({ id: Number(id), lsn: Number(lsn) }));
  const many = agent.heard('acks').flatMap(([, first, count, firstLsn, lastLsn]) => [
    { id: Number(first), lsn: Number(firstLsn) },
    { id: Number(first) + Number(count) - 1, lsn: Number(lastLsn) },
  ]);
  return [...single, ...many];
}
