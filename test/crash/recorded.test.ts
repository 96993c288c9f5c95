import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { lastValueFrom } from 'rxjs';
import { Millrace } from '../../src/index.js';
import { seededRandom } from '../../src/storage/random.js';
import type { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import { SimulatedCompute } from '../../src/testing/simulated-compute.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { loadHash } from '../../src/wal/hash.js';
import { Driver, Watched } from '../support/simulation-driver.js';
import { Agent, temporaryDirectory } from './agent.js';
import { type Recorded, Replay, readRecording } from './recording.js';

/** Power cuts per recording. */
const IMAGES = Number(process.env.MILLRACE_POWER_CUTS ?? 100);

const root = temporaryDirectory();
const recorder = join(root, 'recorder.so');
const source = join(__dirname, 'recorder.c');
const canRecord =
  process.platform === 'linux' &&
  spawnSync('gcc', ['-shared', '-fPIC', '-O1', '-o', recorder, source, '-ldl', '-lpthread']).status === 0;
if (!canRecord) process.stderr.write('SKIPPED test/crash/recorded.test.ts: it takes Linux and gcc\n');

/** A process makes a mill, fills it and goes away; another recovers it, fills it and closes it. */
async function record(directory: string, log: string, vgroups: number): Promise<Recorded[]> {
  const environment = { LD_PRELOAD: recorder, MILLRACE_RECORD_DIRECTORY: root, MILLRACE_RECORD_LOG: log };
  const options = { vgroups, logFileBytes: 8_192, commitEventsMax: 16 };
  for (const [from, last] of [
    [1, 'exit'],
    [10_001, 'close'],
  ] as const) {
    const agent = new Agent({ environment });
    await agent.does('start', 'live', { directory, options });
    await agent.does('write', 'written', { from, appenders: 4, count: 400 });
    agent.send(last);
    await agent.end();
  }
  return readRecording(log);
}

(canRecord ? describe : describe.skip)('a power cut anywhere in what a real process did', () => {
  test.each([1, 4])(
    'leaves what was acknowledged, with %i VGroups',
    async (vgroups) => {
      await lastValueFrom(loadHash());
      const directory = join(root, `mill-${vgroups}`);
      const recorded = await record(directory, join(root, `recording-${vgroups}`), vgroups);
      await cutPowerOften(recorded, directory);
      // Where this is not so, the test would see nothing.
      const withoutSyncs = recorded.filter(({ kind, path }) => kind !== 'E' || !path.endsWith('current.wal'));
      await expect(cutPowerOften(withoutSyncs, directory)).rejects.toThrow(/is lost by a cut|is damaged/);
    },
    120_000,
  );
});

/** Does again what was recorded, cuts the power now and then, and compares what is left with what was acknowledged by then. */
async function cutPowerOften(recorded: readonly Recorded[], directory: string): Promise<void> {
  const replay = new Replay(root);
  const random = seededRandom(Date.now());
  const promised = new Map<number, number>();
  for (const [at, one] of recorded.entries()) {
    if (one.kind === 'S') noteAcknowledged(Buffer.from(one.bytes).toString(), promised);
    else replay.do(one);
    if (random() >= IMAGES / recorded.length) continue;
    const seed = Math.floor(random() * 2 ** 32);
    const lsnOf = await recover(replay.cutPower(seed), directory);
    for (const [id, lsn] of promised)
      if (lsnOf.get(id) !== lsn) throw new Error(`event ${id} is lost by a cut (seed ${seed}) after operation ${at}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(promised.size).toBeGreaterThan(100);
}

function noteAcknowledged(line: string, promised: Map<number, number>): void {
  const [word, ...numbers] = line.trim().split(' ');
  const [id, second, firstLsn, lastLsn] = numbers.map(Number) as [number, number, number, number];
  if (word === 'ack') promised.set(id, second);
  if (word !== 'acks') return;
  promised.set(id, firstLsn);
  promised.set(id + second - 1, lastLsn);
}

/** The lsns of the ids that a recovery finds, each once and in order. */
async function recover(image: SimulatedStorage, directory: string): Promise<Map<number, number>> {
  const driver = new Driver(new VirtualClock());
  const mill = new Millrace(directory, { storage: image, scheduler: driver.clock, compute: new SimulatedCompute() });
  const started = new Watched(mill.start());
  await driver.until(() => started.isSettled);
  if (started.error) throw started.error;
  const lsnOf = new Map<number, number>();
  if (!mill.streamNames.includes('events')) return lsnOf;
  const lsns: number[] = [];
  const events = mill.stream('events');
  const count = new Watched(events.count());
  await driver.until(() => count.isSettled);
  events.records('earliest').subscribe(({ lsn, event }) => {
    lsns.push(lsn);
    lsnOf.set(Number(event.id), lsn);
  });
  await driver.until(() => lsns.length >= count.value!);
  expect(lsns).toEqual([...lsnOf.values()].sort((left, right) => left - right));
  return lsnOf;
}
