import type { Observable } from 'rxjs';
import { type Duration, millisecondsOf } from '../operators/duration.js';
import type { Millrace } from '../streams/millrace.js';
import type { RowOf, Schema } from '../streams/schema.js';
import type { DurableStream } from '../streams/stream.js';
import type { Crash } from './mill.js';
import { invalid } from './misuse.js';
import type { LifePlan, SimulatedOptions } from './simulated-life.js';

export interface CrashOptions {
  /** What a crash is. Default `powerCut`. */
  readonly crash?: Crash;
  /** Where crashes are tried: at every operation of the disk, or after every event. Default `operations`. */
  readonly points?: 'operations' | 'events';
  /** At most so many crashes are tried, spread over the run. Default 250. */
  readonly crashPointsMax?: number;
  /** Only this crash, or these, by the number of the operation of the disk: what an error said. */
  readonly crashAt?: number | readonly number[];
  /** What a crash leaves of things that were not safe, and how many events are in a commit, follows from it. Default 1. */
  readonly seed?: number;
  /** A checkpoint is begun when so many events were appended. Default: at a third and at two thirds of them. */
  readonly checkpoints?: readonly number[];
  /** The time between two events, by the clock. Default 0. */
  readonly every?: Duration;
  /** The time that passes after the last event, by the clock, so that what waits for it comes. Default 0. */
  readonly rest?: Duration;
  /** When the clock begins, in milliseconds since the epoch. Default 0. */
  readonly start?: number;
  readonly options?: SimulatedOptions;
}

/** A pipeline over one stream: what its events are, and, where its last operator does not say it, what its rows are. */
export interface PipelineCrashOptions<S extends Schema> extends CrashOptions {
  readonly schema: S;
  readonly rowSchema?: Schema;
}

/** An event of the only source stream, or with the name of its stream. */
export type SourceEvent = object | readonly [stream: string, event: object];

export type AnyPipeline = (source: never) => unknown;

/** What happens in every run, with a crash or without. */
export interface CrashPlan extends LifePlan {
  readonly events: readonly { readonly stream: string | null; readonly event: object }[];
  readonly crash: Crash;
  readonly checkpoints: ReadonlySet<number>;
  /** Milliseconds. */
  readonly every: number;
  readonly rest: number;
}

/** @throws MillraceError `INVALID_OPTION`, `INVALID_ARGUMENT` */
export function planOf(
  pipeline: AnyPipeline,
  events: readonly SourceEvent[],
  given: CrashOptions & { readonly schema?: Schema; readonly rowSchema?: Schema },
): CrashPlan {
  const { schema, rowSchema, options, seed = 1, start = 0, crash = 'powerCut', every = 0, rest = 0 } = given;
  if (typeof pipeline !== 'function') throw invalid('The first argument must be a function: a pipeline, or declare.');
  if (!Array.isArray(events) || events.length === 0) throw invalid('The second argument must be an array with events.');
  const third = events.length / 3;
  const { checkpoints = [Math.floor(third), Math.floor(2 * third)] } = given;
  return {
    declare: schema === undefined ? (pipeline as LifePlan['declare']) : declareOf(pipeline, schema, rowSchema),
    options,
    seed,
    start,
    crash,
    events: events.map((event: SourceEvent) =>
      Array.isArray(event) ? { stream: event[0] as string, event: event[1] as object } : { stream: null, event },
    ),
    checkpoints: new Set(checkpoints),
    every: millisecondsOf('every', every, { min: 0 }),
    rest: millisecondsOf('rest', rest, { min: 0 }),
  };
}

function declareOf(pipeline: AnyPipeline, schema: Schema, rowSchema: Schema | undefined): LifePlan['declare'] {
  return (mill: Millrace) => {
    const source = mill.stream('events', { schema }) as DurableStream<RowOf<Schema>>;
    const from = pipeline(source as never) as Observable<object>;
    mill.stream('rows', { from, ...(rowSchema && { schema: rowSchema }) });
  };
}
