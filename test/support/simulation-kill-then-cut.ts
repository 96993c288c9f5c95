import { Millrace } from '../../src/index.js';
import { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import { SimulatedCompute } from '../../src/testing/simulated-compute.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { Dice } from './simulation-dice.js';
import { Driver, Violation, Watched } from './simulation-driver.js';
import { STREAM_KINDS } from './simulation-events.js';
import type { World } from './simulation-plan.js';

const [readings] = STREAM_KINDS as [(typeof STREAM_KINDS)[0]];
const DIRECTORY = 'plant';

/**
 * The process is killed at any operation of a checkpoint, so that names are in the page cache only; another one starts, and
 * the power is cut: while it starts, or after it has acknowledged an event.
 */
export async function killThenCut(seed: number, seenBy?: World['seenBy']): Promise<void> {
  const dice = new Dice(seed);
  const vgroups = dice.pick([1, 4]);
  const probe = await checkpointed(new SimulatedStorage({ seed }), vgroups, seenBy);
  const at = dice.chance(0.6) ? dice.pick(probe.onNames) : dice.between(probe.from, probe.to);
  const { disk, events } = await checkpointed(new SimulatedStorage({ seed }), vgroups, seenBy, at);
  const killed = disk.kill();
  for (const crashAt of [null, ...Array.from({ length: 4 }, () => dice.between(10, 60))]) {
    const next = open(killed.kill(), vgroups, seenBy);
    if (crashAt !== null) next.disk.crashAt(next.disk.operations + crashAt);
    await next.until(next.mill.start());
    // Perhaps the start was through before.
    const isAppended = !next.disk.dead;
    if (isAppended) await next.until(next.stream.append(readings.event(events, 1)));
    if (isAppended && next.disk.dead) continue;
    for (let outcome = 0; outcome < 3; outcome++) {
      const last = open(next.disk.crash(), vgroups, seenBy);
      await last.until(last.mill.start());
      const found = await last.until(last.stream.count());
      const expected = isAppended ? events + 1 : events;
      if (found !== expected)
        throw new Violation(
          `killed at ${at} of ${probe.from} to ${probe.to}, then cut: ${found} of ${expected} events`,
        );
    }
  }
}

/** Two checkpoints with appends before them; the second one perhaps ends at an operation. */
async function checkpointed(storage: SimulatedStorage, vgroups: number, seenBy?: World['seenBy'], crashAt?: number) {
  const one = open(storage, vgroups, seenBy);
  await one.until(one.mill.start());
  let events = 0;
  for (; events < 4; events++) await one.until(one.stream.append(readings.event(events, 1)));
  await one.until(one.mill.checkpoint());
  for (; events < 8; events++) await one.until(one.stream.append(readings.event(events, 1)));
  const from = one.disk.operations + 1;
  if (crashAt !== undefined) one.disk.crashAt(crashAt);
  await one.until(one.mill.checkpoint());
  const onNames = one.disk.history
    .filter((line) => /rename|syncDirectory|remove/.test(line))
    .map((line) => Number.parseInt(line, 10))
    .filter((operation) => operation >= from);
  return { disk: one.disk, events, from, to: one.disk.operations, onNames };
}

function open(from: SimulatedStorage, vgroups: number, seenBy: World['seenBy'] = (disk) => disk) {
  const clock = new VirtualClock(Date.UTC(2024, 0, 1));
  const driver = new Driver(clock);
  const disk = from.kill({ scheduler: clock, latency: 0, seed: from.operations });
  let phase: 'start' | 'live' = 'start';
  const mill = new Millrace(DIRECTORY, {
    storage: seenBy(disk, () => phase, Math.random),
    scheduler: clock,
    compute: new SimulatedCompute({ scheduler: clock }),
    vgroups,
    logFileBytes: 64,
  });
  const stream = mill.stream(readings.name, { schema: readings.schema(1) });
  /** Waits for an answer, or for the end of the disk. */
  const until = async <T>(promise: Promise<T>): Promise<T | null> => {
    const watched = new Watched(promise);
    await driver.until(() => watched.isSettled || disk.dead);
    if (watched.error) throw watched.error;
    phase = 'live';
    return watched.value;
  };
  return { disk, mill, stream, until };
}
