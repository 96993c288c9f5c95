import fc from 'fast-check';
import { Subject } from 'rxjs';
import { prepareSaving } from '../../support/saved-operators.js';
import { type Build, CASES, ours, STARTING, theirs } from './cases.js';
import { type Event, isEvent, Run, stepsOf } from './runs.js';

beforeAll(prepareSaving);

/** What the operators of RxJS give when nothing happens but the events. */
function expected(build: Build, events: readonly Event<number>[]): unknown {
  const inputs = [new Subject<number>(), new Subject<number>()] as const;
  const seen = { rows: [] as unknown[], error: null as unknown, isComplete: false };
  build(theirs, ...inputs).subscribe({
    next: (row) => seen.rows.push(structuredClone(row)),
    error: (error) => (seen.error = error),
    complete: () => (seen.isComplete = true),
  });
  for (const [input, value] of events) inputs[input as 0 | 1].next(value);
  return seen;
}

const steps = stepsOf(fc.nat({ max: 9 }), fc.constantFrom(0, 0, 1));

describe.each(Object.entries({ ...CASES, ...STARTING }))('in a mill, %s', (name, build) => {
  const begin = (): Run<number> => new Run((a, b) => build(ours, a!, b!));

  it('goes on after each restart as if nothing had happened, and does what RxJS does', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const events = all.filter(isEvent);
        const run = begin().take(all);
        if (name in STARTING && !events.some(([input]) => input === 0)) expect(run.seen.rows).toEqual([]);
        else expect(run.seen).toEqual(expected(build, events));
        expect(run.kept).toEqual(begin().take(events).kept);
      }),
      { numRuns: 60 },
    );
  });
});
