import { type Duration, millisecondsOf } from '../operators/duration.js';
import { seededRandom } from '../storage/random.js';
import { SimulatedStorage } from '../storage/simulated-storage.js';
import type { Millrace } from '../streams/millrace.js';
import type { Recovery } from '../streams/status.js';
import { type Emission, LiveRecorder } from './live-recorder.js';
import { type Frame, type MarbleEvent, parseMarbles } from './marbles.js';
import { notASource, unknownLetter, whichSource } from './misuse.js';
import { type Kept, readKept } from './observed.js';
import { type LifePlan, prepareLives, SimulatedLife, type SimulatedOptions } from './simulated-life.js';

/** How a life ends at a `!`: the power is cut, or the process is killed and what it gave to the system stays. */
export type Crash = 'powerCut' | 'kill';

export interface MillOptions {
  /** Declares streams and tables, as the program under test does. Called anew in each life. */
  readonly declare: (mill: Millrace) => unknown;
  /** The event of each letter; also rows of derived streams, by which these are printed as letters. */
  readonly values: Readonly<Record<string, object>>;
  /** How long a frame is. Default 1 ms. */
  readonly frame?: Duration;
  /** What an operation of the disk takes. Default 0: what is appended in one frame is durable before the next. */
  readonly latency?: Duration;
  /** What `!` is. Default `powerCut`. */
  readonly crash?: Crash;
  /** What a crash leaves of things that were not safe follows from it. Default 1. */
  readonly seed?: number;
  /** When the first frame is, in milliseconds since the epoch. Default 0. */
  readonly start?: number;
  readonly options?: SimulatedOptions;
}

/** One life of a mill: from its start to a crash, its close, or the end of the marbles. */
export interface MillLife {
  /** The frame in which it began. */
  readonly from: number;
  /** What `start` found. */
  readonly recovery: Recovery;
  /** What each stream and table gave to those who listened, by name. */
  readonly emitted: Readonly<Record<string, readonly Emission[]>>;
  /** The same as marbles, under those that were given: a row is the letter of the value that it equals, or `?`. */
  readonly marbles: Readonly<Record<string, string>>;
}

export interface MillRun extends Kept {
  readonly lives: readonly MillLife[];
}

/**
 * Runs a whole mill in virtual time, on a simulated disk, as marbles say: a letter appends its event, `^` begins a checkpoint, `!` is a
 * crash after which the next life recovers, `|` closes the mill. Several source streams have marbles each, of one length; a mark may be
 * in any of them. In one frame events come before `^`, and `^` before `!`: `(a!)` is a crash while `a` is being written, which is
 * then kept or not, by the seed, and `(^!)` one inside a checkpoint. What was durable before is kept.
 *
 * @returns plain data: what each life emitted, and everything that is kept at the end
 * @throws MillraceError `INVALID_ARGUMENT` for marbles or letters that make no sense and for events that are refused
 * @example
 * const { lives, tables } = await mill('-a-b-!-c-|', { declare, values: { a: { ts: 0, account: 'x', amount: 5 }, … } });
 */
export async function mill(marbles: string | Readonly<Record<string, string>>, options: MillOptions): Promise<MillRun> {
  const { frames, length } = parseMarbles(marbles);
  await prepareLives();
  const run = new MarbleRun(options, length);
  await run.begin();
  for (const frame of frames) await run.play(frame);
  return run.end();
}

/** About how many operations of the disk an append has, and a checkpoint. */
const APPEND_OPERATIONS = 2;
const CHECKPOINT_OPERATIONS = 80;

/** The lives of one run. */
class MarbleRun {
  private readonly lives: MillLife[] = [];
  private readonly frameMs: number;
  private readonly plan: LifePlan & { readonly latency: number };
  private readonly random: () => number;
  private life!: SimulatedLife;
  private recorder!: LiveRecorder;
  /** The frame in which this life began. */
  private from = 0;
  private kept: Kept | null = null;

  constructor(
    private readonly given: MillOptions,
    private readonly length: number,
  ) {
    const { declare, options, frame = 1, latency = 0, seed = 1, start = 0 } = given;
    this.frameMs = millisecondsOf('frame', frame);
    this.random = seededRandom(seed);
    this.plan = { declare, options, seed, start, latency: millisecondsOf('latency', latency, { min: 0 }) };
  }

  async begin(): Promise<void> {
    const { seed, start } = this.plan;
    await this.live(new SimulatedLife((options) => new SimulatedStorage({ seed, ...options }), this.plan), start);
  }

  async play(frame: Frame): Promise<void> {
    await this.advance(frame.at);
    for (const event of frame.events) this.append(event, frame.at);
    if (frame.hasCheckpoint) this.life.watch(`The checkpoint of frame ${frame.at}`, this.life.mill.checkpoint());
    if (frame.end === '!') await this.crash(frame);
    if (frame.end === '|') await this.close(frame.at);
  }

  /** Plays what is left of the time, and reads what there is. */
  async end(): Promise<MillRun> {
    if (this.kept === null) {
      await this.advance(this.length);
      this.kept = await readKept(this.life);
      this.lifeEnds(this.length, '');
    }
    return { lives: this.lives, ...this.kept };
  }

  private async live(life: SimulatedLife, start: number): Promise<void> {
    this.life = life;
    this.recorder = new LiveRecorder(life, () => Math.floor((life.clock.now() - this.plan.start) / this.frameMs));
    await life.begin();
    await life.advanceTo(start);
  }

  private async advance(frame: number): Promise<void> {
    await this.life.advanceTo(this.plan.start + frame * this.frameMs);
    this.life.assertWell();
  }

  private append({ stream, letter }: MarbleEvent, frame: number): void {
    const source = sourceOf(this.life, stream, "mill({ readings: '-a-b-' }, …)");
    const event = this.given.values[letter];
    if (event === undefined) throw unknownLetter(letter, source.name, Object.keys(this.given.values));
    this.life.watch(`"${letter}" of stream "${source.name}" in frame ${frame}`, source.append(event));
  }

  /** The power goes, or the process: in the middle of what began in this frame, at an operation of the disk that the seed says. */
  private async crash({ at: frame, events, hasCheckpoint }: Frame): Promise<void> {
    const { disk, clock } = this.life;
    const among = hasCheckpoint ? CHECKPOINT_OPERATIONS : events.length > 0 ? APPEND_OPERATIONS : 0;
    if (among > 0) disk.crashAt(disk.operations + 1 + Math.floor(this.random() * among));
    await this.life.advanceTo(clock.now());
    this.life.assertWell();
    const how = this.given.crash === 'kill' ? 'kill' : 'crash';
    const start = clock.now();
    const plan = { ...this.plan, start, seed: this.plan.seed + this.lives.length + 1 };
    this.lifeEnds(frame, '!');
    await this.live(new SimulatedLife((options) => disk[how](options), plan), start);
  }

  private async close(frame: number): Promise<void> {
    const { life } = this;
    await life.ended();
    this.kept = await readKept(life);
    await life.settled(life.mill.close());
    this.lifeEnds(frame, '|');
  }

  private lifeEnds(frame: number, mark: string): void {
    const { from, recorder } = this;
    const marbles = recorder.marbles(this.given.values, { from, to: frame, mark });
    this.lives.push({ from, recovery: this.life.mill.recovery!, emitted: recorder.emitted, marbles });
    this.from = frame;
  }
}

/** The source stream of a name; where there is none, the only one. @throws MillraceError `INVALID_ARGUMENT` */
export function sourceOf(life: SimulatedLife, name: string | null, how: string): SimulatedLife['sources'][number] {
  const { sources } = life;
  const names = sources.map((source) => source.name);
  if (name === null && sources.length !== 1) throw whichSource(names, how);
  const source = name === null ? sources[0] : sources.find((other) => other.name === name);
  if (source === undefined) throw notASource(name!, names);
  return source;
}
