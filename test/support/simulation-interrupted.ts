import { lastValueFrom } from 'rxjs';
import { readManifest, writeManifest } from '../../src/snapshots/manifest.js';
import type { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { loadHash } from '../../src/wal/hash.js';
import { Violation, Watched } from './simulation-driver.js';
import { SimulatedMill } from './simulation-mill.js';
import type { RetentionModel } from './simulation-retention.js';
import type { Ending, Found } from './simulation-run.js';
import { ANYTHING, type Shape, Trial, tried } from './simulation-trial.js';

type Crash = 'cut' | 'kill';

/** What a start found, and how many operations it took until it had gone live. */
interface Recovered {
  readonly found: readonly Found[];
  readonly operations: number;
  /** The disk on which the mill runs now. */
  readonly disk: SimulatedStorage;
  /** Up to where it keeps events. */
  readonly retention: RetentionModel;
}

/** Crashes a recovery at each of its operations, perhaps the next one too, and compares with one that was left alone. */
export function interruptRecovery(seed: number, shape: Partial<Shape> = {}): Promise<void> {
  return tried(new Trial(seed, { ...ANYTHING, ...shape, rotShare: 0 }), async (trial) => {
    const { dice, world } = trial;
    if (dice.chance(0.5)) await trial.live([dice.pick(['cut', 'kill'])]);
    const how = dice.pick<Crash>(['cut', 'kill']);
    await trial.live([how], { end: { how, after: dice.skewed(3_000) }, works: true });
    const image = trial.disk;
    const promised = world.model.retention.copy();
    const whole = await recover(trial, image.kill());
    world.model.check(whole.found);
    for (let at = 1; at <= whole.operations; at++) {
      for (const crash of ['cut', 'kill'] as const) {
        const first = await crashInStart(trial, image.kill(), at, crash);
        const again = dice.chance(0.3) ? dice.pick<Crash>(['cut', 'kill']) : null;
        const disk = again ? await crashInStart(trial, first, dice.between(1, whole.operations), again) : first;
        const crashes = again ? [crash, again] : [crash];
        // Only what was in the page cache alone when the power was cut may be missing: events, and decisions on them.
        const isCached = how === 'kill' && crashes.includes('cut');
        world.model.retention = (isCached ? promised : whole.retention).copy();
        const recovered = await recover(trial, disk);
        try {
          world.model.check(recovered.found, crashes.map(endingOf));
          assertSame(recovered, whole, isCached ? 'prefix' : 'whole');
        } catch (error) {
          world.tell(`recovery interrupted at operation ${at}: ${crashes.join(', then ')}`);
          throw error;
        }
      }
    }
    await assertStable(trial, image, whole);
  });
}

/** Recovering twice gives what recovering once gave, whatever comes between. */
async function assertStable(trial: Trial, image: SimulatedStorage, whole: Recovered): Promise<void> {
  for (const crash of ['cut', 'kill'] as const) {
    trial.world.model.retention = whole.retention.copy();
    const once = await recover(trial, image.kill());
    const twice = await recover(trial, crash === 'cut' ? once.disk.crash() : once.disk.kill());
    trial.world.tell(`recovered, then ${crash}, then recovered`);
    assertSame(once, whole, 'whole');
    assertSame(twice, whole, 'whole');
  }
}

/** Rows that one of them no longer keeps are not missing in the other one. */
function assertSame(recovered: Recovered, whole: Recovered, how: 'whole' | 'prefix'): void {
  const found = recovered.found.filter((one) => !whole.retention.isGone(one));
  const expected = whole.found.filter((one) => !recovered.retention.isGone(one));
  const differing = found.findIndex(({ event, lsn }, at) => expected[at]?.event !== event || expected[at].lsn !== lsn);
  if (differing >= 0) throw new Violation(`event ${found[differing]!.event.id} is not what another recovery gave`);
  if (how === 'whole' && found.length < expected.length)
    throw new Violation(`a recovery gave ${found.length} of ${expected.length} events`);
}

const endingOf = (how: Crash): Ending => ({ how, durableCommit: 0, syncedBefore: Number.NEGATIVE_INFINITY });

/** Starts a mill on a copy of a disk, reads everything, and leaves it. */
async function recover(trial: Trial, disk: SimulatedStorage): Promise<Recovered> {
  const { sim, started, storage } = start(trial, disk);
  await sim.until(() => started.isSettled, 'start');
  if (started.error) throw started.error;
  const operations = storage.operations;
  sim.noteRetention();
  const found = (await sim.readers.readAllAtOnce(trial.world.kinds))!;
  sim.isOver = true;
  return { found, operations, disk: storage, retention: trial.world.model.retention.copy() };
}

/** Starts a mill on a copy of a disk and crashes it at an operation; what the disk is then. */
async function crashInStart(trial: Trial, disk: SimulatedStorage, at: number, how: Crash): Promise<SimulatedStorage> {
  const { sim, started, storage } = start(trial, disk);
  storage.crashAt(at, () => {
    sim.isDying = true;
  });
  await sim.until(() => started.isSettled, 'start');
  if (started.error) throw started.error;
  return how === 'cut' ? storage.crash() : storage.kill();
}

function start(trial: Trial, disk: SimulatedStorage) {
  const { world, dice } = trial;
  const clock = new VirtualClock(trial.clock.now());
  const storage = disk.kill({ scheduler: clock, latency: 0, capacity: Number.POSITIVE_INFINITY });
  const seen = world.seenBy(storage, () => 'start', dice.random);
  const sim = new SimulatedMill(world.directory, { storage: seen, scheduler: clock, random: dice }, world.model, clock);
  return { sim, storage, started: new Watched(sim.mill.start()) };
}

const OPERATIONS = [
  'open',
  'makeDirectory',
  'rename',
  'syncDirectory',
  'write',
  'sync',
  'truncate',
  'list',
  'lock',
] as const;

/** Crashes the creation of a mill at each of its operations, or makes one fail; then it must start and work. */
export async function interruptCreation(seed: number, shape: Partial<Shape> = {}): Promise<void> {
  const operations = (await recoverEmpty(seed, shape)).operations;
  for (let at = 1; at <= operations; at++) {
    const trial = new Trial(seed + at * 1_000_003, { ...ANYTHING, ...shape, rotShare: 0 });
    const end = trial.dice.pick(['cut', 'kill', 'fault'] as const);
    await tried(trial, async () => {
      if (end === 'fault') {
        const fault = { operation: trial.dice.pick(OPERATIONS), nth: trial.dice.skewed(12), code: 'EIO' };
        await trial.live(['kill'], { fault, end: { how: 'close' }, works: false });
      } else await trial.live([end], { fault: 'none', end: { how: end, at }, works: false });
      await trial.endWell();
    });
  }
}

function recoverEmpty(seed: number, shape: Partial<Shape>): Promise<Recovered> {
  const trial = new Trial(seed, { ...ANYTHING, ...shape });
  return recover(trial, trial.disk);
}

/**
 * Writes a newer manifest and crashes on the way. The mill must begin where the newest good copy says: here, with higher
 * lsns, and nothing else is other.
 */
export function interruptManifest(seed: number, shape: Partial<Shape> = {}): Promise<void> {
  return tried(new Trial(seed, { ...ANYTHING, ...shape }), async (trial) => {
    const { dice, world } = trial;
    await recover(trial, trial.disk);
    const hash = await lastValueFrom(loadHash());
    const made = start(trial, trial.disk);
    await made.sim.until(() => made.started.isSettled, 'start');
    const disk = made.storage.kill({ scheduler: undefined });
    const before = await lastValueFrom(readManifest(disk, world.directory, hash));
    const nextLsn = 2 ** 40;
    disk.crashAt(dice.between(1, 16));
    writeManifest(disk, world.directory, { ...before!.manifest, sequence: 2, nextLsn }, hash).subscribe();
    const after = dice.chance(0.5) ? disk.crash() : disk.kill();
    const isNew = after.paths().some((path) => isNewManifest(after, path));
    const { sim, started } = start(trial, after);
    await sim.until(() => started.isSettled, 'start');
    if (started.error) throw started.error;
    const found = sim.mill.recovery!.nextLsn;
    if (isNew !== found >= nextLsn)
      throw new Violation(`the next lsn is ${found}, manifest ${isNew ? 2 : 1} was the newest`);
  });
}

function isNewManifest(disk: SimulatedStorage, path: string): boolean {
  return path.endsWith('.json') && Buffer.from(disk.contents(path)).includes('"sequence":2');
}
