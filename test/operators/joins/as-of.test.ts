import fc from 'fast-check';
import { from, type Observable, Subject } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { type AsOfJoinOptions, asOfJoin } from '../../../src/index.js';
import { prepareSaving, SavedOperators } from '../../support/saved-operators.js';
import { isEvent, Run } from '../stateful/runs.js';
import { type Come, countersIn, eventsIn, joinSteps, keptOf, lateCounters, type Reading, timed } from './model.js';

beforeAll(prepareSaving);

/** `a5` is an event of the left side, `A5` one of the right side, of key a at time 5. */
function joined(text: string, options: Partial<AsOfJoinOptions<Reading, Reading>> = {}): string {
  const [left, right] = [new Subject<Reading>(), new Subject<Reading>()];
  const rows: string[] = [];
  const select = (a: Reading, b: Reading | undefined): string => `${a.key}${a.ts}-${b ? `${b.ts}.${b.n}` : ''}`;
  left
    .pipe(
      asOfJoin(right, { by: 'key', time: 'ts', select, ...options } as AsOfJoinOptions<
        Reading,
        Reading,
        'left',
        string
      >),
    )
    .subscribe({ next: (row) => rows.push(row), complete: () => rows.push('|') });
  for (const [n, one] of text.split(' ').entries()) {
    const side = one[0]! === one[0]!.toLowerCase() ? left : right;
    if (one.endsWith('|')) side.complete();
    else side.next({ key: one[0]!.toLowerCase(), ts: Number(one.slice(1)), n });
  }
  return rows.join(' ');
}

describe('asOfJoin', () => {
  it.each([
    ['gives the latest event that is not after', 'A1 A3 A5 a4', 'a4-3.1'],
    ['takes one of the same time', 'A1 A4 a4', 'a4-4.1'],
    ['takes the last one of several of one time', 'A4 A4 a4', 'a4-4.1'],
    ['knows keys apart', 'A1 B2 a3 b3 c3', 'a3-1.0 b3-2.1 c3-'],
    ['gives a row at once, and also without a match', 'a4 A4 a3 a5', 'a4- a3- a5-4.1'],
    ['takes right events that come out of order', 'A5 A3 a4', 'a4-3.1'],
    ['finds what is before the watermark still', 'A5 a4 A9 a6', 'a4- a6-5.0'],
  ])('without lateness %s', (_, given, expected) => {
    expect(joined(given)).toBe(expected);
  });

  it.each([
    ['waits until both sides have passed', 'a4 A3 A6 a6 A7 a8', 'a4-3.1'],
    ['waits for right events of the same time', 'a4 A2 A4 A6 a6 A7 a7', 'a4-4.2'],
    ['gives rows by time, then in order of arrival', 'a4 b3 c4 b1 a9 A9', 'b1- b3- a4- c4-'],
    ['takes what comes while it waits', 'a4 a9 A9 A3 a10 A10', 'a4-'],
    ['waits for no side that is further behind than maxLag', 'A1 a4 a14 a17', 'a4-1.0'],
    ['gives what waits when both sides are complete', 'a5 a4 A3 a| A4 A|', 'a4-4.4 a5-4.4 |'],
    ['does not wait for a right side that is complete', 'A3 A| a4 a6 a7 a|', 'a4-3.0 a6-3.0 a7-3.0 |'],
  ])('with lateness %s', (_, given, expected) => {
    expect(joined(given, { lateness: 2, maxLag: 10 })).toBe(expected);
  });

  it('gives nothing that is too old', () => {
    expect(joined('A1 a3 a4 b4', { tolerance: 2 })).toBe('a3-1.0 a4- b4-');
    expect(joined('A1 a1 a2', { tolerance: 0 })).toBe('a1-1.0 a2-');
  });

  it('leaves out what has no match, where it is an inner join', () => {
    expect(joined('a1 A2 a3', { join: 'inner' } as never)).toBe('a3-2.1');
  });

  it('completes when the left side has, and goes on when the right side has', () => {
    expect(joined('A1 A| a2 a|')).toBe('a2-1.0 |');
    expect(joined('A1 a2 a| A3')).toBe('a2-1.0 |');
  });

  it('needs no key', () => {
    expect(joined('A1 b2', { by: undefined } as never)).toBe('b2-1.0');
  });

  it('goes with marbles', () => {
    new TestScheduler((actual, expected) => expect(actual).toEqual(expected)).run(({ cold, hot, expectObservable }) => {
      const at = (ts: number) => ({ ts });
      const left = hot('   --a--b---c--|', { a: at(2), b: at(6), c: at(20) });
      const right = cold(' -x--y---#', { x: at(1), y: at(4) });
      const rows = left.pipe(asOfJoin(right, { time: 'ts', select: (a, b) => [a.ts, b?.ts] }));
      expectObservable(rows).toBe('--1--2--#', { 1: [2, 1], 2: [6, 4] });
    });
  });

  it('joins by columns of other names, and a stream with itself', () => {
    const source = new Subject<{ at: number; id: string }>();
    const rows: unknown[] = [];
    const right = from([{ time: 1, device: 'a' }]);
    source
      .pipe(asOfJoin(right, { by: 'id', rightBy: 'device', time: 'at', rightTime: 'time' }))
      .subscribe((row) => rows.push(row));
    source
      .pipe(asOfJoin(source, { by: 'id', time: 'at', select: (a, b) => [a.at, b?.at] }))
      .subscribe((row) => rows.push(row));
    source.next({ at: 2, id: 'a' });
    expect(rows).toEqual([
      [
        { at: 2, id: 'a' },
        { time: 1, device: 'a' },
      ],
      [2, 2],
    ]);
  });
});

/** By looking through all events. */
function modelOf(come: readonly Come[], lateness: number, tolerance: number) {
  const rows: unknown[] = [];
  let waiting: { event: Reading; isLate: boolean }[] = [];
  const rights: Reading[] = [];
  const isBetter = (a: Reading, b: Reading) => a.ts > b.ts || (a.ts === b.ts && a.n > b.n);
  const best = (among: readonly Reading[]) =>
    among.reduce<Reading | undefined>(
      (found, one) => (found === undefined || isBetter(one, found) ? one : found),
      undefined,
    );
  const keptAt = (watermark: number) =>
    rights.filter((one) => {
      const ofKey = rights.filter(({ key }) => key === one.key);
      if (one.ts > watermark) return !ofKey.some((other) => other.ts === one.ts && other.n > one.n);
      return best(ofKey.filter(({ ts }) => ts <= watermark)) === one && one.ts + tolerance >= watermark;
    });
  const row = (left: Reading, among: readonly Reading[]) => {
    const fitting = among.filter(({ ts, key }) => key === left.key && ts <= left.ts && ts >= left.ts - tolerance);
    rows.push([left, best(fitting)]);
  };
  for (const { event, isLeft, before, after } of come) {
    if (isLeft) waiting.push({ event, isLate: event.ts < before });
    else rights.push(event);
    const isReady = ({ event: { ts } }: { event: Reading }) => lateness === 0 || ts < after;
    const ready = waiting.filter(isReady).toSorted((a, b) => a.event.ts - b.event.ts || a.event.n - b.event.n);
    waiting = waiting.filter((one) => !isReady(one));
    // What is not late is joined as if nothing had ever been forgotten.
    for (const { event: left, isLate } of ready) row(left, isLate ? keptAt(before) : rights);
  }
  return { rows, waiting: waiting.map(({ event }) => event), rights: keptAt(come.at(-1)?.after ?? -Infinity) };
}

describe('asOfJoin in a mill, over restarts,', () => {
  const settings = fc.record({
    lateness: fc.constantFrom(0, 0, 3, 8),
    maxLag: fc.constantFrom(0, 5, 1000),
    tolerance: fc.constantFrom(undefined, 0, 4, 12),
  });

  it('does what its description says, and keeps no more than it says', () => {
    fc.assert(
      fc.property(joinSteps(), settings, (all, { tolerance, ...times }) => {
        const begin = (): Run<Reading> =>
          new Run(
            (left, right) =>
              left!.pipe(asOfJoin(right!, { by: 'key', ...times, ...(tolerance === undefined ? {} : { tolerance }) })),
            'ts',
          );
        const run = begin().take(all);
        const come = timed(all, times.lateness, times.maxLag);
        const { rows, waiting, rights } = modelOf(come, times.lateness, tolerance ?? Infinity);
        expect(run.seen).toEqual({ rows, error: null, isComplete: false });
        const kept = keptOf(run.kept);
        expect(eventsIn(kept.right!)).toEqual(rights);
        expect(eventsIn(kept.waiting!)).toEqual(waiting);
        expect(countersIn(run.kept)).toEqual(lateCounters(come));
        expect(run.kept).toEqual(begin().take(all.filter(isEvent)).kept);
      }),
      { numRuns: 200 },
    );
  });

  it.each<[string, object, number, number]>([
    ['for ever', {}, 102, 2],
    ['for a tolerance', { tolerance: 50 }, 101, 0],
  ])('keeps what a silent left side could need, and the last event of each key %s', (_, options, silent, after) => {
    const [left, right] = [new Subject<Reading>(), new Subject<Reading>()];
    const rows = (): Observable<unknown> => left.pipe(asOfJoin(right, { by: 'key', maxLag: 100, ...options }));
    const saved = new SavedOperators(rows, 'ts');
    const size = (): number => saved.states.get('0-asOfJoin/right')!.size;
    saved.turn(() => {
      right.next({ ts: -1, key: 'b', n: 0 });
      for (let ts = 0; ts < 20_000; ts++) right.next({ ts, key: 'a', n: ts });
    });
    // 100 after the watermark, and the last ones up to it.
    expect(size()).toBe(silent);
    saved.turn(() => left.next({ ts: 30_000, key: 'a', n: 0 }));
    expect(size()).toBe(after);
  });
});
