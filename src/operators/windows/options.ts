import type { MillraceError } from '../../errors.js';
import { type Duration, millisecondsOf } from '../duration.js';
import { columnName, invalidOption, keyColumns, shown } from '../stateful/key-options.js';
import { canMerge } from './accumulate.js';
import { type Aggregates, layoutOf } from './layout.js';
import type { Window } from './window.js';
import { ROW_NAMES } from './window-row.js';

/**
 * What happens to an event that comes when its window has ended:
 * `drop` counts it; `side` gives it to the side stream of a derived stream (its property `late`), and to `onLate`; `{ correct }` keeps
 * windows that long, in event time, after their end, takes the event in, and emits the row again with a higher `revision`; what is later
 * still is counted, and with `side: true` goes to the side.
 */
export type Late = 'drop' | 'side' | { readonly correct: Duration; readonly side?: boolean };

export interface WindowedOptions<T, By extends keyof T & string, A> {
  /** The key columns, whose values are strings, numbers, bigints or booleans. Default: none, all events have one key. */
  readonly by?: By | readonly By[];
  /** The column with the event time, in milliseconds since 1970-01-01. Default: in a mill, that of the stream. */
  readonly time?: keyof T & string;
  /** By how much events may come out of order. Default 0. */
  readonly lateness?: Duration;
  /** What is computed, by the names that it has in the rows. A column that an event does not have is null to an aggregate. */
  readonly aggregate: A;
  /** Default `drop`. State, event and count windows cannot be corrected. */
  readonly late?: Late;
  /**
   * Called with each late event that no window takes, and how many there were so far. In a derived pipeline also in each replay: there, take
   * `side`.
   */
  readonly onLate?: (event: T, count: number) => void;
  /** `updates`: also a row that is not `final` after each event, for each of its windows. Default `final`. */
  readonly emit?: 'final' | 'updates';
  /**
   * In a derived pipeline: how long after its end, by the clock, a window ends at the latest, though no event comes. For streams whose event
   * times follow the clock; not below `lateness`. Written ticks say it, at most one a second, so that every run ends the same windows. State,
   * event and count windows end by events all the same: there, events that wait get their turn. Default: only events end windows.
   */
  readonly maxDelay?: Duration;
  /**
   * In a derived pipeline with several inputs: for how long without events, by the clock, an input is waited for. Windows end when
   * all inputs that are not idle have passed their end. `'never'`: it is waited for always. Default `'1m'`.
   */
  readonly idle?: Duration;
}

export interface Resolved {
  readonly window: Window<never>;
  readonly by: readonly string[];
  readonly time: string | undefined;
  readonly aggregates: Aggregates;
  /** Milliseconds. */
  readonly lateness: number;
  readonly correctFor: number;
  readonly emitsUpdates: boolean;
  /** Whether late events go to the side. */
  readonly hasSide: boolean;
  /** Milliseconds by the clock; `Infinity` for never. */
  readonly maxDelay: number;
  readonly idleAfter: number;
  readonly onLate: ((event: unknown, count: number) => void) | undefined;
}

/** @throws MillraceError `INVALID_OPTION` */
export function resolveWindowed(window: Window<never>, options: WindowedOptions<never, never, unknown>): Resolved {
  if (typeof window?.kind !== 'object')
    throw invalidOption(`windowed takes a window such as tumbling('1m') first, not ${shown(window)}.`);
  if (typeof options !== 'object' || options === null)
    throw invalidOption(
      `windowed takes options such as { by: 'device', time: 'ts', aggregate: { n: count() } }, not ${shown(options)}.`,
    );
  const { lateness = 0, late = 'drop', emit = 'final', onLate } = options;
  const by = keyColumns(options.by);
  const milliseconds = millisecondsOf('lateness', lateness, { min: 0 });
  const resolved = {
    window,
    by,
    time: options.time === undefined ? undefined : columnName('time', options.time),
    aggregates: aggregatesOf(options.aggregate, by),
    lateness: milliseconds,
    correctFor: correctForOf(late, window),
    emitsUpdates: emit === 'updates',
    hasSide: late === 'side' || (typeof late === 'object' && late.side === true),
    maxDelay: maxDelayOf(options.maxDelay, milliseconds),
    idleAfter: options.idle === 'never' ? Infinity : millisecondsOf('idle', options.idle ?? '1m'),
    onLate: onLate as Resolved['onLate'],
  };
  if (emit !== 'final' && emit !== 'updates')
    throw invalidOption(`Option emit must be 'final' or 'updates', not ${shown(emit)}.`);
  if (onLate !== undefined && typeof onLate !== 'function') throw invalidOption('Option onLate must be a function.');
  assertMergeable(resolved);
  return resolved;
}

function aggregatesOf(aggregate: unknown, by: readonly string[]): Aggregates {
  if (typeof aggregate !== 'object' || aggregate === null)
    throw invalidOption(
      `Option aggregate must be an object such as { mean: avg('temperature') }, not ${shown(aggregate)}.`,
    );
  for (const [name, value] of Object.entries(aggregate)) {
    if (typeof value?.reader !== 'function' || !Array.isArray(value.accumulators))
      throw invalidOption(
        `Option aggregate.${name} must be an aggregate such as avg('temperature'), not ${shown(value)}.`,
      );
    for (const { column } of value.accumulators) if (column !== null) columnName(`aggregate.${name}`, column);
    if (by.includes(name)) throw collides(`The aggregate ${shown(name)}`, 'a key column', 'the aggregate');
  }
  const names = [...by.map((name) => ['by', name]), ...Object.keys(aggregate).map((name) => ['aggregate', name])];
  for (const [option, name] of names) {
    const what = option === 'by' ? `The key column ${shown(name)}` : `The aggregate ${shown(name)}`;
    if (name === '__proto__')
      throw invalidOption(`${what} cannot have this name: JavaScript takes it for something else.`);
    if ((ROW_NAMES as readonly string[]).includes(name!))
      throw collides(
        what,
        'a column that every window has',
        option === 'by' ? 'the column with map() before' : 'the aggregate',
      );
  }
  return aggregate as Aggregates;
}

function maxDelayOf(maxDelay: Duration | undefined, lateness: number): number {
  if (maxDelay === undefined) return Infinity;
  const milliseconds = millisecondsOf('maxDelay', maxDelay);
  if (milliseconds >= lateness) return milliseconds;
  throw invalidOption(
    'Option maxDelay must not be below lateness: windows would end before events that may still come.',
  );
}

function correctForOf(late: Late, window: Window<never>): number {
  if (late === 'drop' || late === 'side') return 0;
  if (typeof late !== 'object' || late === null)
    throw invalidOption(`Option late must be 'drop', 'side' or { correct: '1h' }, not ${shown(late)}.`);
  if (window.kind.type !== 'aligned' && window.kind.type !== 'session')
    throw invalidOption(
      `${window.text} cannot be corrected, as it follows from the order of events: raise lateness, or take late: 'drop' or 'side'.`,
    );
  return millisecondsOf('late.correct', late.correct);
}

function assertMergeable({ window, lateness, correctFor, aggregates }: Resolved): void {
  const mayMerge = window.kind.type === 'session' && (lateness > 0 || correctFor > 0);
  if (!mayMerge) return;
  for (const [name, aggregate] of Object.entries(aggregates))
    if (!canMerge(layoutOf({ [name]: aggregate })))
      throw invalidOption(
        `Option aggregate.${name} cannot be merged, and late events may make two sessions one: give the reducer a merge.`,
      );
}

function collides(what: string, other: string, rename: string): MillraceError {
  return invalidOption(`${what} has the name of ${other}: rename ${rename}.`);
}
