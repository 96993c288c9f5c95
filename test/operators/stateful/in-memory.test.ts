import { type Observable, of, throwError } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { take } from '../../../src/index.js';
import { type Build, CASES, type Operators, ours, STARTING, theirs } from './cases.js';

const VALUES = Object.fromEntries(Array.from({ length: 10 }, (_, value) => [String(value), value]));

const MARBLES: readonly (readonly [a: string, b: string, unsubscribed: string])[] = [
  ['---------', '---------', '--------!'],
  ['1-2-3-4-5-6-7-8-|', '-1-2-3-4-5-|', ''],
  ['1-1-2-2-3-3-4-|', '3-3-1-1-|', ''],
  ['0-1-2-3-4-5-6-7-8-9-|', '-0-1-2|', ''],
  ['(12345678)', '(87654321|)', '-----!'],
  ['-(1234|)', '(12|)', ''],
  ['1-2-3-#', '-1-2-|', ''],
  ['1-2-3-4-5', '-1-#', ''],
  ['1-2-3-4-5-6', '-1-2-3', '-----!'],
  ['|', '1-2-|', ''],
  ['#', '1-2-|', ''],
  ['1-2-3-4-|', '|', ''],
];

/** Everything that can be seen of a pipeline: what it emits and when, and from when to when it subscribes to its inputs. */
function seenOf(build: Build, operators: Operators, [a, b, unsubscribed]: (typeof MARBLES)[number]): unknown {
  const frames: unknown[] = [];
  const scheduler = new TestScheduler(() => {});
  scheduler.run(({ cold, flush }) => {
    const inputs = [cold(a, VALUES), cold(b, VALUES)] as const;
    const subscription = build(operators, ...inputs).subscribe({
      next: (value) => frames.push([scheduler.now(), structuredClone(value)]),
      error: (error) => frames.push([scheduler.now(), String(error)]),
      complete: () => frames.push([scheduler.now(), 'complete']),
    });
    if (unsubscribed !== '') scheduler.schedule(() => subscription.unsubscribe(), unsubscribed.indexOf('!'));
    flush();
    frames.push(inputs.map(({ subscriptions }) => subscriptions));
  });
  return frames;
}

describe.each(Object.entries({ ...CASES, ...STARTING }))('outside of a mill, %s', (_, build) => {
  it.each(MARBLES)('does with %s and %s what RxJS does', (...marbles) => {
    expect(seenOf(build, ours, marbles)).toEqual(seenOf(build, theirs, marbles));
  });
});

describe('outside of a mill', () => {
  const valuesOf = (values: Observable<unknown>): unknown[] => {
    const seen: unknown[] = [];
    values.subscribe({ next: (value) => seen.push(value), error: (error) => seen.push(String(error)) });
    return seen;
  };

  it('allows what RxJS allows', () => {
    const both = (build: (operators: Operators) => Observable<unknown>): void =>
      expect(valuesOf(build(ours))).toEqual(valuesOf(build(theirs)));
    const one = { one: 1 };
    both(({ distinct }) => of(one, one, { one: 1 }).pipe(distinct()));
    both(({ distinctUntilChanged }) => of(one, one, { one: 1 }).pipe(distinctUntilChanged()));
    both(({ bufferCount }) => of(1, 2, 3).pipe(bufferCount(0)));
    both(({ bufferCount }) => of(1, 2, 3).pipe(bufferCount(1.5, 0.5)));
    both(({ take: taken }) => of(1, 2, 3).pipe(taken(0)));
    both(({ scan }) => of(1, 2, 3).pipe(scan((seen, value) => seen.add(value), new Set<number>())));
    both(({ zipWith }) => of(1, 2, 3).pipe(zipWith([4, 5])));
    both(({ combineLatestWith }) => of(1, 2, 3).pipe(combineLatestWith([1, 2], [3]), take(5)));
    both(({ combineLatestWith }) => of(1, 2, 3).pipe(combineLatestWith([of(1), of(2)] as never)));
    both(({ startWith }) => throwError(() => new Error('no')).pipe(startWith(1)));
  });
});
