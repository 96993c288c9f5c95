import type { WalLevel } from '../../src/index.js';
import type { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { Dice } from './simulation-dice.js';
import { Watched } from './simulation-driver.js';
import { Life } from './simulation-life.js';
import type { SimulatedMill } from './simulation-mill.js';
import type { LifePlan, World } from './simulation-plan.js';
import { ANYTHING, type Shape, Trial, tried } from './simulation-trial.js';
import type { Workload } from './simulation-workload.js';

type Crash = 'cut' | 'kill';

/** What crashes are tried: at every operation, or at some of them. */
export interface Interruptions extends Partial<Shape> {
  readonly crashesMax: number;
}

/**
 * Crashes a mill at operations of a checkpoint with all that belongs to it: a decision on retention, rotation, segments,
 * manifest, retirement of the log, merging. What a start finds is compared with what was promised, and so is what one
 * finds after that start was interrupted too.
 */
export function interruptCheckpoint(seed: number, { crashesMax, ...shape }: Interruptions): Promise<void> {
  const trial = new Trial(seed, { ...ANYTHING, rotShare: 0, faultShare: 0, retentionShare: 0.4, ...shape });
  return tried(trial, async () => {
    const { dice } = trial;
    const level = dice.pick(shape.levels ?? (['sync', 'flush', 'off'] as const));
    await trial.live(['kill', 'kill', 'kill'], { end: { how: 'close' }, works: true, level: 'sync' });
    const scene = new Scene(trial, level, dice.between(0, 2 ** 30));
    const { from, to } = await scene.measure();
    const every = Math.max(1, (to - from) / crashesMax);
    for (let at = from + dice.random() * every; at <= to; at += every) {
      for (const how of ['cut', 'kill'] as const) await scene.crashAt(Math.floor(at), how);
    }
  });
}

/** The same run of a mill on the same disk, again and again. */
class Scene {
  private readonly plan: LifePlan;

  constructor(
    private readonly trial: Trial,
    level: WalLevel,
    private readonly seed: number,
  ) {
    const drawn = trial.drawPlan('kill');
    this.plan = {
      ...drawn,
      level,
      fault: 'none',
      works: true,
      isClean: false,
      options: { ...drawn.options, checkpointInterval: 60_000, checkpointBytes: 1_000_000, unsavedBytesMax: 1_000_000 },
      streams: drawn.streams.map((stream) => ({ ...stream, isLate: false })),
    };
  }

  /** Which operations there are from the moment when the mill has gone live and was looked at. */
  async measure(): Promise<{ from: number; to: number }> {
    let from = 0;
    const { disk, life } = this.open(this.trial.disk, this.trial.world, {
      end: { how: 'kill' },
      script: async (sim, workload) => {
        from = disk.operations + 1;
        await script(sim, workload);
      },
    });
    await life.run();
    return { from, to: disk.operations };
  }

  async crashAt(at: number, how: Crash): Promise<void> {
    const { trial } = this;
    const lines: string[] = [];
    const world = { ...trial.world, tell: (line: string) => lines.push(line) };
    try {
      const first = this.open(trial.disk, world, { end: { how, at }, script });
      await first.life.run();
      const { dice, model } = first.world;
      let { disk } = first;
      for (let crash: Crash = how, starts = dice.between(0, 2); ; starts--) {
        disk = crash === 'cut' ? disk.crash() : disk.kill();
        if (starts <= 0) break;
        // A start that is interrupted too, or one after which the mill works for a moment.
        crash = dice.pick(['cut', 'kill']);
        const again = this.open(disk, { ...world, model }, { end: { how: crash, at: dice.skewed(80) }, script }, dice);
        await again.life.run();
        disk = again.disk;
      }
      await this.open(disk, { ...world, model }, { end: { how: 'close' }, works: false }, dice).life.run();
    } catch (error) {
      for (const line of [`${how} at operation ${at}`, ...lines]) trial.world.tell(line);
      throw error;
    }
  }

  private open(from: SimulatedStorage, given: World, plan: Partial<LifePlan>, dice?: Dice) {
    const clock = new VirtualClock(this.trial.clock.now());
    const disk = from.kill({ scheduler: clock, latency: 0, seed: this.seed, capacity: Number.POSITIVE_INFINITY });
    const world = { ...given, dice: dice ?? new Dice(this.seed), model: dice ? given.model : given.model.copy() };
    return { disk, world, life: new Life(world, { ...this.plan, ...plan }, disk, clock) };
  }
}

/** Appends on both sides of a checkpoint and while it runs, and waits until nothing goes on in the background. */
async function script(sim: SimulatedMill, workload: Workload): Promise<void> {
  for (let round = 0; round < 2 && !sim.isOver; round++) {
    for (const stream of sim.streams) void workload.appendSome(stream);
    const appended = new Watched(workload.append(sim.streams[0]!));
    await sim.until(() => appended.isSettled, 'an append');
    if (sim.isOver) return;
    const checkpoint = new Watched(sim.mill.checkpoint());
    for (const stream of sim.streams) void workload.appendSome(stream);
    await sim.until(() => checkpoint.isSettled, 'a checkpoint');
    if (checkpoint.error) throw checkpoint.error;
    const rested = new Watched(sim.driver.pause(300));
    await sim.until(() => rested.isSettled, 'a pause');
  }
}
