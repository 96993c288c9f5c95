import { posix } from 'node:path';
import type { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import type { Dice } from './simulation-dice.js';
import { Violation, Watched } from './simulation-driver.js';
import { SimulatedMill } from './simulation-mill.js';
import { pictureOf, segmentsOn } from './simulation-rot.js';
import { ANYTHING, Trial, tried } from './simulation-trial.js';

/** What was done to a mill's files while it was closed, and what must come of it. */
interface Damage {
  readonly what: string;
  /** It is refused with one of these codes and nothing is changed … */
  readonly codes: readonly string[];
  /** … naming one of these files. */
  readonly paths: readonly string[];
  /** Or it starts, and everything is there. */
  readonly mayStart: boolean;
  /** Files that must be gone after the start. */
  readonly leftovers?: readonly string[];
}

type Damager = (dice: Dice, disk: SimulatedStorage, directory: string) => Damage | null;

/** Closes a mill that has made checkpoints, damages a file, and starts it. */
export function damageClosedMill(seed: number): Promise<void> {
  const trial = new Trial(seed, { ...ANYTHING, rotShare: 0, faultShare: 0 });
  return tried(trial, async () => {
    const { dice, world } = trial;
    await trial.live(['kill', 'kill'], { end: { how: 'close' }, works: true });
    const right = await look(trial, trial.disk.kill());
    if ('error' in right) throw right.error;
    const disk = trial.disk.kill({ scheduler: undefined });
    const damage = dice.pick(DAMAGERS)(dice, disk, world.directory);
    if (damage === null) return;
    world.tell(damage.what);
    const before = pictureOf(disk);
    const found = await look(trial, disk);
    if ('error' in found) {
      const { code, message } = found.error as { code?: string; message: string };
      if (!damage.codes.includes(code!)) throw found.error;
      if (!damage.paths.some((path) => message.includes(path))) throw new Violation(`no file is named: ${message}`);
      if (!found.isStarted && pictureOf(found.disk) !== before)
        throw new Violation('a start that was refused changed files');
      return;
    }
    if (!damage.mayStart) throw new Violation('the damage was not found');
    if (found.fingerprint !== right.fingerprint) throw new Violation('after the damage there is something else');
    const left = (damage.leftovers ?? []).filter((path) => found.disk.paths().includes(path));
    if (left.length > 0) throw new Violation(`${left.join(', ')} should have gone`);
  });
}

type Look =
  | { readonly disk: SimulatedStorage; readonly isStarted: boolean; readonly error: unknown }
  | { readonly disk: SimulatedStorage; readonly fingerprint: string };

/** Starts a mill, reads every byte that it has, compares, and leaves it. */
async function look(trial: Trial, from: SimulatedStorage): Promise<Look> {
  const { world, clock: now } = trial;
  const clock = new VirtualClock(now.now());
  const disk = from.kill({ scheduler: clock, latency: 0 });
  const model = world.model.copy();
  const sim = new SimulatedMill(
    world.directory,
    { storage: disk, scheduler: clock, checkpointInterval: '1d' },
    model,
    clock,
  );
  const started = new Watched(sim.mill.start());
  await sim.until(() => started.isSettled, 'start');
  if (started.error) return { disk, isStarted: false, error: started.error };
  try {
    sim.noteRetention();
    const printed = (await sim.readers.printed(world.kinds))!;
    model.recovered(printed.found, sim.mill.recovery!.nextLsn, 'sync');
    const contents = (await sim.result(sim.mill.fingerprint({ positions: false }), 'a fingerprint of contents'))!;
    for (const kind of world.kinds) {
      const count = printed.found.filter(({ event }) => event.kind === kind).length;
      if (count > 0) await sim.readers.ask(kind, trial.dice);
    }
    return { disk, fingerprint: `${printed.fingerprint} ${contents}` };
  } catch (error) {
    return { disk, isStarted: true, error };
  }
}

const isLog = (path: string): boolean => path.endsWith('/current.wal');
const isManifest = (path: string): boolean => /manifest-[ab]\.json$/.test(path);

const DAMAGERS: readonly Damager[] = [
  (dice, disk) => {
    const path = dice.pick(disk.paths().filter(isLog));
    remove(disk, path);
    return { what: `${path} is gone`, codes: ['CORRUPT_LOG'], paths: [path], mayStart: false };
  },
  (dice, disk) => {
    const path = dice.pick(disk.paths().filter(isLog));
    const bytes = disk.contents(path);
    const length = dice.chance(0.3) ? dice.between(0, 63) : dice.between(64, bytes.length - 1);
    disk.replace(path, bytes.slice(0, length));
    // Behind the header stands the closed mark, if anything: what is torn of it was never promised.
    return { what: `${path} ends at ${length}`, codes: ['CORRUPT_LOG'], paths: [path], mayStart: length >= 64 };
  },
  (dice, disk, directory) => {
    const segments = segmentsOn(disk, directory).named;
    if (segments.length === 0) return null;
    const path = dice.pick(segments);
    const bytes = disk.contents(path);
    const length = dice.pick([null, 0, bytes.length - 1, dice.between(0, bytes.length - 1)]);
    if (length === null) remove(disk, path);
    else disk.replace(path, bytes.slice(0, length));
    return { what: `${path} is cut to ${length}`, codes: ['CORRUPT_SEGMENT'], paths: [path], mayStart: false };
  },
  (dice, disk, directory) => {
    const segments = segmentsOn(disk, directory).named;
    if (segments.length === 0) return null;
    const path = dice.pick(segments);
    const offset = flipOne(dice, disk, path);
    // Padding has no meaning.
    return { what: `a bit of ${path} flips at ${offset}`, codes: ['CORRUPT_SEGMENT'], paths: [path], mayStart: true };
  },
  (dice, disk) => {
    const path = dice.pick(disk.paths().filter(isManifest));
    if (dice.chance(0.3)) remove(disk, path);
    else flipOne(dice, disk, path);
    return { what: `${path} is damaged`, codes: [], paths: [], mayStart: true };
  },
  (dice, disk) => {
    const paths = disk.paths().filter(isManifest);
    const areRemoved = dice.chance(0.5);
    for (const path of paths) {
      if (areRemoved) remove(disk, path);
      else flipOne(dice, disk, path);
    }
    return {
      what: 'both manifests are damaged',
      codes: ['CORRUPT_MANIFEST'],
      paths: ['manifest-a.json'],
      mayStart: false,
    };
  },
  (dice, disk, directory) => {
    const folder = posix.dirname(dice.pick(disk.paths().filter(isLog)));
    const leftovers = [
      `${directory}/segments/00999999.arrow`,
      `${directory}/manifest-a.json.tmp`,
      `${folder}/checkpoint.wal`,
    ];
    for (const path of leftovers) disk.replace(path, dice.bytes(dice.between(0, 200)));
    disk.replace(`${folder}/next.wal`, dice.bytes(100));
    return { what: `leftovers ${leftovers.join(', ')}`, codes: [], paths: [], mayStart: true, leftovers };
  },
];

function remove(disk: SimulatedStorage, path: string): void {
  disk.remove(path).subscribe();
  disk.syncDirectory(posix.dirname(path)).subscribe();
}

function flipOne(dice: Dice, disk: SimulatedStorage, path: string): number {
  const offset = dice.between(0, disk.contents(path).length - 1);
  disk.flip(path, offset, 1 << dice.between(0, 7));
  return offset;
}
