import { CorruptLogError, Millrace, type WalLevel } from '../../src/index.js';
import { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { Dice } from './simulation-dice.js';
import { drawLatency, type FaultKind } from './simulation-disk.js';
import { Driver, takeUnhandled, Violation, Watched } from './simulation-driver.js';
import { type SchemaVersion, STREAM_KINDS, type StreamKind } from './simulation-events.js';
import { Life } from './simulation-life.js';
import { Model } from './simulation-model.js';
import type { LifeEnd, LifePlan, PlannedEnd, World } from './simulation-plan.js';
import { drawProvenSpot, pictureOf } from './simulation-rot.js';

/** What the trials of a test have in common. */
export interface Shape {
  readonly levels: readonly WalLevel[];
  readonly vgroups: readonly number[];
  /** The share of lives with a broken disk. */
  readonly faultShare: number;
  /** What breaks of it. */
  readonly faults: readonly FaultKind[];
  readonly livesMax: number;
  /** How lives end unless they are closed: in a power cut, killed, or either. */
  readonly ends: readonly ('cut' | 'kill')[];
  /** In its place: how the lives end, one after the other. */
  readonly chain?: readonly ('cut' | 'kill')[];
  /** How often a bit of a closed mill's log flips before the next start. */
  readonly rotShare: number;
  /** The share of trials with checkpoints beside those of `close`. */
  readonly checkpointShare: number;
  /** The share of lives in which something is appended. */
  readonly worksShare: number;
  /** The share of streams of which events go. */
  readonly retentionShare: number;
  /** The disk as the mill sees it: a mutant's lies. */
  readonly seenBy?: World['seenBy'];
}

export const ANYTHING: Shape = {
  levels: ['sync', 'sync', 'flush', 'off'],
  vgroups: [1, 4],
  faultShare: 0.35,
  faults: ['room', 'write', 'sync', 'other', 'checkpoint'],
  livesMax: 4,
  ends: ['cut', 'kill'],
  rotShare: 0.3,
  checkpointShare: 0.75,
  worksShare: 0.85,
  retentionShare: 0.2,
};

/** A few lives of one mill on one disk, drawn from the seed. Throws what it found, with the story that led to it. */
export function runTrial(seed: number, shape: Shape = ANYTHING): Promise<void> {
  return tried(new Trial(seed, shape), (trial) => trial.run());
}

/** Runs something on a trial; what it throws tells the trial's story. */
export async function tried(trial: Trial, run: (trial: Trial) => Promise<void>): Promise<void> {
  try {
    await run(trial);
    const [unhandled] = takeUnhandled();
    if (unhandled) throw unhandled;
  } catch (error) {
    throw new Error(`seed ${trial.seed}: ${error instanceof Error ? error.message : String(error)}\n${trial.story}`, {
      cause: error,
    });
  }
}

export class Trial {
  readonly dice: Dice;
  readonly world: World;
  private readonly lines: string[] = [];
  private readonly streams: { readonly kind: StreamKind; version: SchemaVersion; readonly retention?: number }[];
  private readonly level: WalLevel;
  private readonly vgroups: number;
  private readonly hasCheckpoints: boolean;
  private last: LifeEnd | null = null;
  clock = new VirtualClock(Date.UTC(2024, 0, 1));
  disk: SimulatedStorage;

  constructor(
    readonly seed: number,
    private readonly shape: Shape,
  ) {
    const dice = new Dice(seed);
    this.dice = dice;
    const kinds = STREAM_KINDS.filter(() => dice.chance(0.6));
    if (kinds.length === 0) kinds.push(dice.pick(STREAM_KINDS));
    this.streams = kinds.map((kind) => ({
      kind,
      version: 1,
      ...(dice.chance(shape.retentionShare) && { retention: dice.pick([500, 5_000, 60_000]) }),
    }));
    this.level = dice.pick(shape.levels);
    this.vgroups = dice.pick(shape.vgroups);
    this.hasCheckpoints = dice.chance(shape.checkpointShare);
    this.disk = new SimulatedStorage({ seed, scheduler: this.clock, latency: drawLatency(dice) });
    this.world = {
      directory: dice.pick(['plant', '/plant', '/var/lib/millrace/plant']),
      dice,
      model: new Model(),
      kinds: STREAM_KINDS,
      seenBy: shape.seenBy ?? ((disk) => disk),
      tell: (line) => this.lines.push(line),
    };
  }

  get story(): string {
    return [...this.lines, 'last operations:', ...this.disk.history.slice(-12)].map((line) => `  ${line}`).join('\n');
  }

  async run(): Promise<void> {
    const { dice, shape } = this;
    await this.live(
      shape.chain ?? Array.from({ length: dice.between(1, shape.livesMax) }, () => dice.pick(shape.ends)),
    );
    await this.endWell();
  }

  /** Lives one after the other, each as drawn but for what is given of its plan. */
  async live(ends: readonly ('cut' | 'kill')[], given: Partial<LifePlan> = {}): Promise<void> {
    for (const end of ends) {
      this.last = await this.liveOnce({ ...this.drawPlan(end), ...given });
      this.goOn(this.last);
      if (this.last === 'close' && this.dice.chance(this.shape.rotShare)) await this.rot();
    }
  }

  /** Whatever came before: in the end the mill starts, works, closes, and is found as it was left. */
  async endWell(): Promise<void> {
    const atRest: LifePlan = { ...this.drawPlan('kill'), level: 'sync', end: { how: 'close' }, fault: 'none' };
    this.goOn(await this.liveOnce(atRest));
    await this.liveOnce({ ...atRest, works: false, isClean: true });
  }

  private liveOnce(plan: LifePlan): Promise<LifeEnd> {
    this.lines.push(
      `life at level ${plan.level}, ${this.vgroups} VGroups, ${JSON.stringify(plan.options)}, ${JSON.stringify(plan.end)}`,
    );
    return new Life(this.world, plan, this.disk, this.clock).run();
  }

  drawPlan(how: 'cut' | 'kill'): LifePlan {
    const { dice, shape } = this;
    for (const stream of this.streams) if (dice.chance(0.15)) stream.version = 2;
    const hasFault = dice.chance(shape.faultShare);
    return {
      level: dice.chance(0.7) ? this.level : dice.pick(shape.levels),
      end: this.drawEnd(how),
      options: this.drawOptions(),
      vgroups: this.world.model.known.length > 0 && dice.chance(0.5) ? undefined : this.vgroups,
      streams: this.streams
        .filter((_, at) => at === 0 || dice.chance(0.8))
        .map((stream) => ({ ...stream, isLate: dice.chance(0.3) })),
      fault: !hasFault ? 'none' : dice.chance(0.25) ? 'at start' : 'live',
      faults: shape.faults,
      works: dice.chance(shape.worksShare),
      hasCheckpoints: this.hasCheckpoints,
      isClean: this.last === 'close',
    };
  }

  private drawOptions(): LifePlan['options'] {
    const { dice } = this;
    const checkpointBytes = this.hasCheckpoints ? dice.pick([300, 2_000, 20_000, 1_000_000]) : 1_000_000;
    return {
      commitEventsMax: dice.pick([1, 3, 20, 1000]),
      logFileBytes: dice.pick([64, 64, 1_000, 8_192, 8_192, 70_000]),
      appendsWaitingMax: dice.pick([2, 1000, 1000, 1000]),
      checkpointInterval: this.hasCheckpoints ? dice.pick([20, 200, 2_000, 60_000]) : 86_400_000,
      checkpointBytes,
      unsavedBytesMax: checkpointBytes * dice.pick([1, 2, 1_000]),
      computeLatency: dice.pick([0, 0, 1, 50]),
    };
  }

  private drawEnd(how: 'cut' | 'kill'): PlannedEnd {
    const { dice } = this;
    const roll = dice.random();
    if (roll < 0.5) return { how, at: dice.skewed(2_000) };
    if (roll < 0.65) return { how, after: dice.skewed(20_000) };
    if (roll < 0.75) return { how };
    return roll < 0.85 ? { how, whileClosing: dice.skewed(100) } : { how: 'close' };
  }

  /** A bit that flips in what is known to be durable is found, and nothing is touched. Then it flips back. */
  private async rot(): Promise<void> {
    const { dice, disk, world, clock } = this;
    const { path, offset, mask } = drawProvenSpot(dice, disk, world.directory);
    world.tell(`bit ${mask} of ${path} flips at byte ${offset}`);
    disk.flip(path, offset, mask);
    const before = pictureOf(disk);
    const storage = world.seenBy(disk, () => 'start', dice.random);
    const starting = new Watched(new Millrace(world.directory, { storage, scheduler: clock, random: dice }).start());
    await new Driver(clock).until(() => starting.isSettled);
    if (!(starting.error instanceof CorruptLogError))
      throw new Violation(`damage to what was durable was not found: ${String(starting.error)}`);
    if (pictureOf(disk) !== before) throw new Violation('a start that found damage changed files');
    disk.flip(path, offset, mask);
  }

  /** The disk on which the next life begins. */
  private goOn(last: LifeEnd): void {
    const { dice, shape, world } = this;
    if (last === 'close' || last === 'failed') {
      // Again in the same process, or in another one, or after a power cut.
      if (dice.chance(0.4)) return;
      const how = dice.pick(shape.ends);
      world.tell(`then ${how}`);
      world.model.ended({ how, durableCommit: 0, syncedBefore: Number.NEGATIVE_INFINITY });
      this.next(how);
      return;
    }
    this.next(last);
  }

  private next(how: 'cut' | 'kill'): void {
    const { dice, disk } = this;
    // The wall clock may have been set back meanwhile.
    this.clock = new VirtualClock(this.clock.now() + dice.pick([-3_600_000, 0, 1_000, 86_400_000]));
    const options = { scheduler: this.clock, latency: drawLatency(dice), capacity: Number.POSITIVE_INFINITY };
    this.disk = how === 'cut' ? disk.crash(options) : disk.kill(options);
  }
}
