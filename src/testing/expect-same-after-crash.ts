import { AssertionError } from 'node:assert';
import type { Observable } from 'rxjs';
import { describe } from '../errors.js';
import type { Millrace } from '../streams/millrace.js';
import type { InputOf, RowOf, Schema } from '../streams/schema.js';
import type { DurableStream } from '../streams/stream.js';
import { differenceOf } from './crash-difference.js';
import {
  type AnyPipeline,
  type CrashOptions,
  type CrashPlan,
  type PipelineCrashOptions,
  planOf,
  type SourceEvent,
} from './crash-options.js';
import { pointsOf } from './crash-points.js';
import {
  type CrashMoment,
  type CrashOutcome,
  type Outcome,
  runAfterCrash,
  runToCrashes,
  runWhole,
  type WholeRun,
} from './crash-run.js';
import { invalid, nothingDerived } from './misuse.js';
import { prepareLives } from './simulated-life.js';

/** What was tried. */
export interface CrashesTried {
  /** How many operations of the disk the run without a crash has. */
  readonly operations: number;
  /** How many crashes were tried. */
  readonly crashes: number;
}

/**
 * Runs a pipeline, or a whole program, over events: once without a crash, then once for each crash point. Each crash is followed by a
 * recovery and by the events that it did not leave. Whatever the crash point, everything must be the same in the end: the rows of all
 * streams in their order, the events that caused them, and the tables. Checkpoints are taken on the way.
 *
 * @param pipeline from the stream of events to rows, where the options have its `schema`; else `declare`, as the program has it
 * @param events in the order in which they are appended: of the only source stream, or `['stream', event]`
 * @throws AssertionError that says which crash, which row, and how to run only that one again
 * @example
 * await expectSameAfterCrash((readings) => readings.pipe(windowed(tumbling('1m'), { by: 'device', aggregate: { n: count() } })), events, {
 *   schema: { ts: timestamp(), device: key(string()) },
 * });
 */
export async function expectSameAfterCrash<S extends Schema>(
  pipeline: (source: DurableStream<RowOf<S>, InputOf<S>>) => Observable<object>,
  events: readonly InputOf<S>[],
  options: PipelineCrashOptions<S>,
): Promise<CrashesTried>;
export async function expectSameAfterCrash(
  declare: (mill: Millrace) => unknown,
  events: readonly SourceEvent[],
  options?: CrashOptions,
): Promise<CrashesTried>;
export async function expectSameAfterCrash(
  pipeline: AnyPipeline,
  events: readonly SourceEvent[],
  options: CrashOptions = {},
): Promise<CrashesTried> {
  const plan = planOf(pipeline, events, options);
  await prepareLives();
  const expected = await runWhole(plan);
  assertDerives(expected);
  const points = new Set(pointsOf(expected, options));
  await runToCrashes(plan, points, (moment) => tryCrash(plan, moment, expected));
  return { operations: expected.operations, crashes: points.size };
}

function assertDerives({ kept }: Outcome): void {
  const derived = Object.entries(kept.derived);
  if (derived.length === 0) throw nothingDerived();
  for (const [name, { state, lsn, cause }] of derived)
    if (state === 'stopped')
      throw invalid(`"${name}" stopped at lsn ${lsn}, without a crash: ${describe(cause)}`, cause);
}

/** @throws AssertionError */
async function tryCrash(plan: CrashPlan, moment: CrashMoment, expected: WholeRun): Promise<void> {
  const { operation, text, lsns } = moment;
  const where = `after a crash at operation ${operation} of ${expected.operations} (${text.trim()})`;
  const again = `To run only this crash: { crashAt: ${operation}, seed: ${plan.seed} }.`;
  let actual: CrashOutcome;
  try {
    actual = await runAfterCrash(plan, moment);
  } catch (error) {
    throw new Error(`It fails ${where}. ${describe(error)}\n${again}`, { cause: error });
  }
  const difference = differenceOf(expected, actual);
  const stopped = Object.entries(actual.kept.derived).find(([, { state }]) => state === 'stopped');
  if (difference === null && stopped === undefined) return;
  const message = [
    `It is not the same ${where}.`,
    ...(difference === null ? [] : [difference.text]),
    ...(stopped === undefined ? [] : [`"${stopped[0]}" has stopped: ${describe(stopped[1].cause)}`]),
    `${lsns.length} of ${plan.events.length} events were acknowledged before the crash, ${actual.survived} were there afterwards.`,
    'What a pipeline remembers from one event to the next must be in operators of millrace (scan, fold, windowed, …):',
    'variables, and operators of RxJS that keep something, begin anew after a crash.',
    again,
  ].join('\n');
  throw new AssertionError({ message, expected: difference?.expected, actual: difference?.actual, operator: 'same' });
}
