import fc from 'fast-check';
import { from } from 'rxjs';
import * as generated from '../../../src/index.js';
import { isEnd, isStart, type ModelEvent, type ModelOptions, type ModelWindow, modelOf, stateOf } from './model.js';

type Millrace = typeof generated;

/** The same where no code can be generated. */
function withoutGeneratedCode(): Millrace {
  let general: Millrace | undefined;
  jest.isolateModules(() => {
    jest.doMock('../../../src/operators/generated-code.js', () => ({ compiled: () => null, literal: JSON.stringify }));
    general = require('../../../src/index.js');
    jest.dontMock('../../../src/operators/generated-code.js');
  });
  return general!;
}

const general = withoutGeneratedCode();

const time = fc.oneof(
  // Ties and repeats, disorder, and gaps.
  { weight: 6, arbitrary: fc.integer({ min: -20, max: 60 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 300 }) },
);
const event = fc.record({
  ts: time,
  key: fc.constantFrom('a', 'b', 'c'),
  // Sums of these are exact.
  v: fc.oneof(
    { weight: 8, arbitrary: fc.integer({ min: -40, max: 40 }).map((quarters) => quarters / 4) },
    { weight: 1, arbitrary: fc.constantFrom(null, undefined) },
  ),
  s: fc.constantFrom('x', 'y', 'z', null),
});
/** Some as they come, some nearly in order. */
const events = fc
  .tuple(fc.array(event, { maxLength: 60, size: 'max' }), fc.integer({ min: 0, max: 60 }))
  .map(([all, step]) => all.map((one, arrival) => ({ ...one, ts: one.ts + ((arrival * step) >> 3), arrival })));

const sizes = fc.integer({ min: 1, max: 40 });
const aligned: fc.Arbitrary<ModelWindow> = fc
  .tuple(sizes, sizes, fc.integer({ min: -9, max: 9 }), fc.boolean())
  .map(([a, b, offset, tumbles]) => ({
    type: 'hopping',
    size: Math.max(a, b),
    every: tumbles ? Math.max(a, b) : Math.min(a, b),
    offset: tumbles ? offset : 0,
  }));
const sessions: fc.Arbitrary<ModelWindow> = sizes.map((gap) => ({ type: 'session', gap }));
const inOrder: fc.Arbitrary<ModelWindow> = fc.oneof(
  fc.constantFrom<ModelWindow>({ type: 'state' }, { type: 'event' }),
  fc
    .tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 }))
    .map(([a, b]): ModelWindow => ({ type: 'count', size: Math.max(a, b), every: Math.min(a, b) })),
);
const optionsWith = (correct: fc.Arbitrary<number>): fc.Arbitrary<ModelOptions> =>
  fc.record({
    lateness: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 60 })),
    correct: fc.oneof(fc.constant(0), correct),
    updates: fc.boolean(),
  });

function windowOf(
  { tumbling, hopping, session, stateWindow, eventWindow, countWindow }: Millrace,
  window: ModelWindow,
) {
  if (window.type === 'session') return session(window.gap);
  if (window.type === 'state') return stateWindow(stateOf);
  if (window.type === 'event') return eventWindow(isStart, isEnd);
  if (window.type === 'count') return countWindow(window.size, window.every);
  if (window.every === window.size) return tumbling(window.size, { offset: window.offset });
  return hopping(window.size, window.every);
}

function aggregatesOf({ reducer, ...of }: Millrace) {
  return {
    n: of.count(),
    values: of.count('v'),
    total: of.sum('v'),
    mean: of.avg('v'),
    low: of.min('v'),
    high: of.max('v'),
    lowText: of.min('s'),
    highText: of.max('s'),
    first: of.first('v'),
    last: of.last('v'),
    firstText: of.first('s'),
    lastText: of.last('s'),
    variance: of.variance('v'),
    deviation: of.stddev('v', { population: true }),
    median: of.quantile('v', 0.5),
    upper: of.quantile('v', 0.9),
    different: of.countDistinct('v'),
    texts: of.countDistinct('s'),
    level: of.timeWeightedAvg('v'),
    rate: of.rate('v'),
    arrivals: reducer({
      init: (): number[] => [],
      add: (all, { arrival }: ModelEvent) => [...all, arrival],
      merge: (all, others) => [...all, ...others],
      result: (all) => [...all].sort((a, b) => a - b).join(),
    }),
  };
}

function outcomeOf(millrace: Millrace, window: ModelWindow, all: readonly ModelEvent[], options: ModelOptions) {
  const rows: Record<string, unknown>[] = [];
  const late: ModelEvent[] = [];
  const { lateness, correct, updates } = options;
  from(all)
    .pipe(
      millrace.windowed(windowOf(millrace, window), {
        by: 'key',
        time: 'ts',
        lateness,
        late: correct === 0 ? 'drop' : { correct },
        emit: updates ? 'updates' : 'final',
        onLate: (event) => late.push(event),
        aggregate: aggregatesOf(millrace),
      }),
    )
    .subscribe((row) => rows.push(row));
  return { rows, late };
}

/** What is told within a bound, or rounded in another order. */
const BOUNDS: Readonly<Record<string, number>> = {
  variance: 1e-9,
  deviation: 1e-9,
  level: 1e-9,
  rate: 1e-9,
  median: 0.01,
  upper: 0.01,
};

/** The model's row, with what is near enough as it is in the other. */
function tolerant(wanted: Record<string, unknown>, row: Record<string, unknown> | undefined): Record<string, unknown> {
  const near = Object.entries(BOUNDS).filter(([name, bound]) => {
    const [a, b] = [wanted[name], row?.[name]];
    return typeof a === 'number' && typeof b === 'number' && Math.abs(a - b) <= bound * Math.abs(a) + 1e-12;
  });
  return { ...wanted, ...Object.fromEntries(near.map(([name]) => [name, row![name]])) };
}

function check(windows: fc.Arbitrary<ModelWindow>, options: fc.Arbitrary<ModelOptions>, numRuns: number): Set<string> {
  const met = new Set<string>();
  fc.assert(
    fc.property(windows, events, options, (window, all, chosen) => {
      const wanted = modelOf(window, all, chosen);
      for (const millrace of [generated, general]) {
        const { rows, late } = outcomeOf(millrace, window, all, chosen);
        expect(rows).toEqual(wanted.rows.map((row, at) => tolerant(row, rows[at])));
        expect(rows.map((row) => Object.keys(row))).toEqual(wanted.rows.map((row) => Object.keys(row)));
        expect(late).toEqual(wanted.late);
      }
      if (wanted.late.length > 0) met.add('late');
      if (wanted.rows.some(({ revision }) => revision !== 0)) met.add('corrected');
      if (wanted.rows.some(({ count }) => count === 0)) met.add('taken back');
      if (wanted.rows.some(({ final }) => !final)) met.add('updates');
      if (wanted.rows.length > 20) met.add('many');
    }),
    { numRuns },
  );
  return met;
}

describe('random events with disorder, gaps, repeats and ties', () => {
  const some = fc.integer({ min: 1, max: 80 });

  it('give the rows of the model in tumbling and hopping windows', () => {
    expect([...check(aligned, optionsWith(some), 300)].sort()).toEqual(['corrected', 'late', 'many', 'updates']);
  });

  it('give the rows of the model in sessions', () => {
    const met = check(sessions, optionsWith(some), 400);
    expect([...met].sort()).toEqual(['corrected', 'late', 'many', 'taken back', 'updates']);
  });

  it('give the rows of the model in state, event and count windows', () => {
    expect([...check(inOrder, optionsWith(fc.constant(0)), 300)].sort()).toEqual(['late', 'many', 'updates']);
  });
});
