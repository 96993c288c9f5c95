import fc from 'fast-check';
import { isEvent, type Step, stepsOf } from '../stateful/runs.js';

export interface Reading {
  readonly ts: number;
  readonly key: string;
  readonly n: number;
}

/** Events of two inputs: the time of each rises slowly, with ties, gaps and late events, and one may fall silent. */
export function joinSteps(): fc.Arbitrary<Step<Reading>[]> {
  const offset = fc.oneof(
    { weight: 8, arbitrary: fc.integer({ min: -6, max: 4 }) },
    { weight: 1, arbitrary: fc.integer({ min: 10, max: 40 }) },
  );
  const event = fc.tuple(fc.constantFrom('a', 'b'), offset);
  const inputs = fc.oneof({ weight: 3, arbitrary: fc.constantFrom(0, 1) }, { weight: 1, arbitrary: fc.constant(1) });
  return stepsOf(event, inputs).map((steps) => {
    const latest = [0, 0];
    return steps.map((step, n): Step<Reading> => {
      if (!isEvent(step)) return step;
      const [input, [key, by]] = step;
      const ts = latest[input]! + by;
      latest[input] = Math.max(latest[input]!, ts);
      return [input, { ts, key, n }];
    });
  });
}

/** An event with what is known of it when it comes. */
export interface Come {
  readonly event: Reading;
  readonly isLeft: boolean;
  /** The watermark when it comes, and after it. */
  readonly before: number;
  readonly after: number;
}

/** The watermark at each event. */
export function timed(steps: readonly Step<Reading>[], lateness: number, maxLag: number): Come[] {
  const latest = [-Infinity, -Infinity] as [number, number];
  let before = -Infinity;
  return steps.filter(isEvent).map(([input, event]) => {
    latest[input as 0 | 1] = Math.max(latest[input as 0 | 1], event.ts);
    const after = Math.max(Math.min(...latest), Math.max(...latest) - maxLag) - lateness;
    const come = { event, isLeft: input === 0, before, after };
    before = after;
    return come;
  });
}

/** How many events of a side come too late. */
export const lateOf = (come: readonly Come[], isLeft: boolean): number =>
  come.filter((one) => one.isLeft === isLeft && one.event.ts < one.before).length;

/** What a run says that it keeps: the entries of each state by its name. */
export function keptOf(kept: unknown): Record<string, [unknown, unknown][]> {
  const states = kept as [string, ...[unknown, unknown][]][];
  return Object.fromEntries(states.map(([name, ...entries]) => [name.slice(name.lastIndexOf('/') + 1), entries]));
}

/** The events in a state, in the order in which they came. */
export const eventsIn = (entries: readonly [unknown, unknown][]): unknown[] =>
  entries.map(([, event]) => event as Reading).toSorted((a, b) => a.n - b.n);

export const countersIn = (kept: unknown): Record<string, number> =>
  Object.fromEntries(keptOf(kept).counters!.map(([name, count]) => [name, (count as Float64Array)[0]]));

/** Nothing is counted under a name before the first one. */
export const lateCounters = (come: readonly Come[]): Record<string, number> => {
  const counters = { lateLeft: lateOf(come, true), lateRight: lateOf(come, false) };
  return Object.fromEntries(Object.entries(counters).filter(([, count]) => count > 0));
};
