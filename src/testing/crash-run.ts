import { describe } from '../errors.js';
import { seededRandom } from '../storage/random.js';
import { SimulatedStorage } from '../storage/simulated-storage.js';
import type { CrashPlan } from './crash-options.js';
import { sourceOf } from './mill.js';
import { notTheSameTwice } from './misuse.js';
import { type Kept, readKept } from './observed.js';
import { SimulatedLife } from './simulated-life.js';

/** What there is when all events are. */
export interface Outcome {
  readonly kept: Kept;
  /** The lsn of each event, in the order in which they were appended. */
  readonly lsns: readonly number[];
}

/** A run without a crash. */
export interface WholeRun extends Outcome {
  /** How many operations of the disk there were … */
  readonly operations: number;
  /** … and those that came next when events were acknowledged. */
  readonly eventEnds: readonly number[];
}

/** A crash, as it is found by who comes after. */
export interface CrashMoment {
  /** The number of the operation of the disk that is cut off, and what it is. */
  readonly operation: number;
  readonly text: string;
  /** What is left. */
  readonly disk: SimulatedStorage;
  /** When it was, by the clock. */
  readonly time: number;
  /** The lsns of the events that were acknowledged. */
  readonly lsns: readonly number[];
}

export interface CrashOutcome extends Outcome {
  /** How many events were there after the crash. */
  readonly survived: number;
}

/** Appends all events, reads what is kept, and closes. */
export async function runWhole(plan: CrashPlan): Promise<WholeRun> {
  const life = firstLife(plan);
  const appending = new Appending(plan);
  const kept = await appending.all(life);
  await life.settled(life.mill.close());
  const { lsns, eventEnds } = appending;
  return { kept, lsns, eventEnds, operations: life.disk.operations };
}

/**
 * The same again, and whenever a crash at one of these operations would leave something, `tryCrash` goes on from there; meanwhile the
 * run that does not crash stands still. So every crash comes after the very same past, which is run only once.
 */
export async function runToCrashes(
  plan: CrashPlan,
  points: ReadonlySet<number>,
  tryCrash: (moment: CrashMoment) => Promise<void>,
): Promise<void> {
  const life = firstLife(plan);
  const { disk, clock, driver } = life;
  const appending = new Appending(plan);
  const moments: CrashMoment[] = [];
  const left = new Set(points);
  const how = plan.crash === 'kill' ? 'kill' : 'crash';
  disk.onOperation((operation) => {
    if (!left.delete(operation)) return;
    // Its own seed: as many ways to lose things as there are crashes.
    const fork = disk.fork(how, seedOf(plan, operation));
    const text = disk.history.at(-1)!.replace(/^\d+ /, '');
    moments.push({ operation, text, disk: fork, time: clock.now(), lsns: [...appending.lsns] });
  });
  driver.between = async () => {
    for (let moment = moments.shift(); moment !== undefined; moment = moments.shift()) await tryCrash(moment);
  };
  await appending.all(life);
  await life.settled(life.mill.close());
  const [never] = left;
  if (never !== undefined) throw notTheSameTwice(never);
}

/** Recovers from a crash, and appends what it did not leave. */
export async function runAfterCrash(plan: CrashPlan, moment: CrashMoment): Promise<CrashOutcome> {
  const seed = seedOf(plan, moment.operation);
  const life = new SimulatedLife((options) => moment.disk.kill(options), { ...plan, seed, start: moment.time });
  try {
    await life.begin();
  } catch (error) {
    throw new Error(`The mill does not start: ${describe(error)}`, { cause: error });
  }
  const appending = new Appending({ ...plan, checkpoints: new Set() }, [...moment.lsns]);
  await appending.findSurvivors(life);
  const survived = appending.lsns.length;
  const kept = await appending.rest(life);
  return { kept, lsns: appending.lsns, survived };
}

function firstLife(plan: CrashPlan): SimulatedLife {
  return new SimulatedLife((options) => new SimulatedStorage({ seed: plan.seed, ...options }), plan);
}

function seedOf({ seed }: CrashPlan, operation: number): number {
  return seed * 1_000_003 + operation;
}

const BATCH_MAX = 3;

/** Appends the events of a plan, each once. */
class Appending {
  readonly eventEnds: number[] = [];
  private readonly batches: readonly number[];

  constructor(
    private readonly plan: CrashPlan,
    /** Of the events that are there, in order. */
    readonly lsns: number[] = [],
  ) {
    this.batches = batchEnds(plan);
  }

  async all(life: SimulatedLife): Promise<Kept> {
    await life.begin();
    return this.rest(life);
  }

  /** Appends what is not there yet, lets time pass, and reads what is kept. */
  async rest(life: SimulatedLife): Promise<Kept> {
    const { events, start, every, rest, checkpoints } = this.plan;
    while (this.lsns.length < events.length) {
      const from = this.lsns.length;
      await life.advanceTo(start + from * every);
      if (checkpoints.has(from)) life.watch(`The checkpoint at event ${from}`, life.mill.checkpoint());
      await this.append(life, from, this.batches.find((end) => end > from)!);
    }
    await life.advanceTo(start + events.length * every + rest);
    await life.ended();
    return readKept(life);
  }

  private async append(life: SimulatedLife, from: number, to: number): Promise<void> {
    const appended = this.plan.events.slice(from, to).map(({ stream, event }) => {
      const source = sourceOf(life, stream, "events: [['readings', { … }], …]");
      return source.append(event);
    });
    for (const { lsn } of await life.settled(Promise.all(appended))) this.lsns.push(lsn);
    this.eventEnds.push(life.disk.operations + 1);
  }

  /**
   * Which events a crash left: those that were acknowledged, and of those that were on their way a part, the first ones. Where the
   * level promises less, fewer than were acknowledged.
   */
  async findSurvivors(life: SimulatedLife): Promise<void> {
    const { lsns } = this;
    const acknowledged = lsns.at(-1) ?? -1;
    const found: number[] = [];
    for (const source of life.sources) for (const { lsn } of await life.recordsOf(source)) found.push(lsn);
    if (!this.promisesAll) while (lsns.length > 0 && lsns.at(-1)! > Math.max(-1, ...found)) lsns.pop();
    for (const lsn of found.toSorted((a, b) => a - b)) if (lsn > acknowledged) lsns.push(lsn);
  }

  /** Whether what was acknowledged must be there after a crash. One that is not is then seen as missing from its stream. */
  private get promisesAll(): boolean {
    const { options, crash } = this.plan;
    const { walLevel = 'sync' } = options ?? {};
    return walLevel === 'sync' || (walLevel === 'flush' && crash === 'kill');
  }
}

/** Where commits end: events are appended a few at a time, by chance; one at a time where time passes between them. */
function batchEnds({ events, every, seed, checkpoints }: CrashPlan): number[] {
  const random = seededRandom(seed);
  const ends: number[] = [];
  for (let at = 1; at <= events.length; at++) {
    const size = at - (ends.at(-1) ?? 0);
    const isOver = every > 0 || size === BATCH_MAX || checkpoints.has(at) || random() < 0.5;
    if (isOver || at === events.length) ends.push(at);
  }
  return ends;
}
