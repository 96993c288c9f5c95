import fc from 'fast-check';
import { from, Subject } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { type IntervalJoinOptions, intervalJoin } from '../../../src/index.js';
import { prepareSaving, SavedOperators } from '../../support/saved-operators.js';
import { isEvent, Run } from '../stateful/runs.js';
import { type Come, countersIn, eventsIn, joinSteps, keptOf, lateCounters, type Reading, timed } from './model.js';

beforeAll(prepareSaving);

/** `a5` is an event of the left side, `A5` one of the right side, of key a at time 5; `a|` the end of the left side. */
function joined(text: string, options: Partial<IntervalJoinOptions<Reading, Reading>>): string {
  const [left, right] = [new Subject<Reading>(), new Subject<Reading>()];
  const rows: string[] = [];
  left
    .pipe(intervalJoin(right, { by: 'key', time: 'ts', ...options } as IntervalJoinOptions<Reading, Reading>))
    .subscribe({
      next: ([a, b]) => rows.push(`${a.key}${a.ts}-${b.ts}`),
      complete: () => rows.push('|'),
    });
  for (const [n, one] of text.split(' ').entries()) {
    const side = one[0]! === one[0]!.toLowerCase() ? left : right;
    if (one.endsWith('|')) side.complete();
    else side.next({ key: one[0]!.toLowerCase(), ts: Number(one.slice(1)), n });
  }
  return rows.join(' ');
}

describe('intervalJoin', () => {
  it.each<[string, string, string, Partial<IntervalJoinOptions<Reading, Reading>>]>([
    ['takes right events that are earlier, both ends included', 'A1 A2 A3 A5 a5', 'a5-3 a5-5', { before: 2 }],
    ['takes right events that are later, when they come', 'a5 A4 A5 A7 A8', 'a5-5 a5-7', { after: 2 }],
    ['takes events of one time', 'A4 A5 a5 A6', 'a5-5', { before: 0 }],
    ['knows keys apart', 'A1 B1 a1 b1', 'a1-1 b1-1', { before: 9 }],
    ['gives rows by the time of the others', 'A3 A1 A2 a4 A4 a3', 'a4-1 a4-2 a4-3 a4-4 a3-1 a3-2 a3-3', { before: 5 }],
    ['gives each pair once', 'a1 A1 a1 A1', 'a1-1 a1-1 a1-1 a1-1', { before: 1, after: 1 }],
    ['takes what lies apart', 'a5 A5 A6 A7 A8 A9 a4', 'a5-7 a5-8 a4-6 a4-7', { before: -2, after: 3, lateness: 1 }],
    ['gives nothing for an event that came too late for the other', 'a1 a20 A20 A3', 'a20-20', { after: 2 }],
    ['takes what comes late, if the other is kept', 'a1 a20 A20 A3', 'a20-20 a1-3', { after: 2, lateness: 20 }],
    ['waits for a side that is behind', 'a1 a50 A3', 'a1-3', { after: 2, maxLag: 60 }],
    ['waits for no side that is further behind', 'a1 a50 A3', '', { after: 2, maxLag: 40 }],
    ['completes when both sides have', 'a1 A1 a| A2 A|', 'a1-1 a1-2 |', { after: 2 }],
    ['completes when nothing of the side is kept that is complete', 'a1 a| A2 A4', 'a1-2 |', { after: 2 }],
    ['completes when the side is empty that is complete', 'a1 A|', '|', { after: 2 }],
    ['needs no key', 'A1 b2', 'b2-1', { by: undefined, before: 2 } as never],
  ])('%s', (_, given, expected, options) => {
    expect(joined(given, options)).toBe(expected);
  });

  it('goes with marbles', () => {
    new TestScheduler((actual, expected) => expect(actual).toEqual(expected)).run(({ cold, hot, expectObservable }) => {
      const at = (ts: number) => ({ ts });
      const left = hot('   --a--b---|', { a: at(2), b: at(6) });
      const right = cold(' -x--y--z---|', { x: at(1), y: at(4), z: at(7) });
      const rows = left.pipe(
        intervalJoin(right, { time: 'ts', before: 2, after: 2, select: (a, b) => `${a.ts}${b.ts}` }),
      );
      expectObservable(rows).toBe('--1-23-4---|', { 1: '21', 2: '24', 3: '64', 4: '67' });
    });
  });

  it('joins a stream with itself, and by several columns of other names', () => {
    const source = new Subject<{ ts: number; id: string; part: number }>();
    const rows: unknown[] = [];
    source
      .pipe(intervalJoin(source, { by: 'id', time: 'ts', before: 5, select: (a, b) => [a.ts, b.ts] }))
      .subscribe((row) => rows.push(row));
    const right = from([{ time: 4, device: 'a', section: 1 }]);
    const other = { by: ['id', 'part'], rightBy: ['device', 'section'], time: 'ts', rightTime: 'time' } as const;
    source
      .pipe(intervalJoin(right, { ...other, before: 5, select: (a, b) => [a.ts, b.device] }))
      .subscribe((row) => rows.push(row));
    source.next({ ts: 3, id: 'a', part: 1 });
    source.next({ ts: 5, id: 'a', part: 1 });
    source.next({ ts: 6, id: 'a', part: 2 });
    expect(rows).toEqual([
      [3, 3],
      [5, 3],
      [5, 5],
      [5, 'a'],
      [6, 3],
      [6, 5],
      [6, 6],
    ]);
  });

  it('stops giving rows when nobody listens, and takes what it is given meanwhile', () => {
    const [left, right] = [new Subject<Reading>(), new Subject<Reading>()];
    const rows: unknown[] = [];
    const subscription = left
      .pipe(intervalJoin(right, { time: 'ts', before: 9, select: (a, b) => [a.n, b.n] }))
      .subscribe((row) => {
        rows.push(row);
        if (rows.length === 1) right.next({ ts: 3, key: '', n: 9 });
        if (rows.length === 3) subscription.unsubscribe();
      });
    for (const n of [0, 1, 2]) right.next({ ts: n, key: '', n });
    left.next({ ts: 3, key: '', n: 5 });
    expect(rows).toEqual([
      [5, 0],
      [5, 9],
      [5, 1],
    ]);
  });
});

/** By looking at all pairs. */
function modelOf(come: readonly Come[], before: number, after: number) {
  const rows: unknown[] = [];
  const reachOf = ({ isLeft }: Come): number => (isLeft ? after : before);
  for (const [at, second] of come.entries()) {
    const others = come.slice(0, at).filter((first) => {
      const [left, right] = second.isLeft ? [second, first] : [first, second];
      const apart = right.event.ts - left.event.ts;
      if (first.isLeft === second.isLeft || left.event.key !== right.event.key || apart < -before || apart > after)
        return false;
      const isKept = first.event.ts + reachOf(first) >= second.before;
      const isLate = ({ event: { ts }, before: watermark }: Come): boolean => ts < watermark;
      // No pair is lost of which both came in time.
      if (!isKept && !isLate(first) && !isLate(second)) throw new Error('a pair that came in time is lost');
      return isKept;
    });
    for (const { event } of others.toSorted((a, b) => a.event.ts - b.event.ts || a.event.n - b.event.n))
      rows.push(second.isLeft ? [second.event, event] : [event, second.event]);
  }
  const watermark = come.at(-1)?.after ?? -Infinity;
  const kept = come.filter((one) => one.event.ts + reachOf(one) >= watermark);
  const side = (isLeft: boolean) => kept.filter((one) => one.isLeft === isLeft).map(({ event }) => event);
  return { rows, left: side(true), right: side(false) };
}

describe('intervalJoin in a mill, over restarts,', () => {
  const settings = fc.record({
    lateness: fc.constantFrom(0, 3, 8),
    maxLag: fc.constantFrom(0, 5, 1000),
    before: fc.constantFrom(0, 4, 12, -1),
    after: fc.constantFrom(1, 4, 12),
  });

  it('does what its description says, and keeps no more than it says', () => {
    fc.assert(
      fc.property(joinSteps(), settings, (all, options) => {
        const begin = (): Run<Reading> =>
          new Run((left, right) => left!.pipe(intervalJoin(right!, { by: 'key', ...options })), 'ts');
        const run = begin().take(all);
        const come = timed(all, options.lateness, options.maxLag);
        const { rows, left, right } = modelOf(come, options.before, options.after);
        expect(run.seen).toEqual({ rows, error: null, isComplete: false });
        const kept = keptOf(run.kept);
        expect(eventsIn(kept.left!)).toEqual(left);
        expect(eventsIn(kept.right!)).toEqual(right);
        expect(countersIn(run.kept)).toEqual(lateCounters(come));
        expect(run.kept).toEqual(begin().take(all.filter(isEvent)).kept);
      }),
      { numRuns: 200 },
    );
  });

  it('keeps no more than its times allow, also where a side is silent', () => {
    const [left, right] = [new Subject<Reading>(), new Subject<Reading>()];
    const options = { by: 'key', before: 30, after: 20, lateness: 5, maxLag: 100 } as const;
    const saved = new SavedOperators(() => left.pipe(intervalJoin(right, options)), 'ts');
    const size = (side: string): number => saved.states.get(`0-intervalJoin/${side}`)!.size;
    saved.turn(() => {
      for (let ts = 0; ts < 20_000; ts++) left.next({ ts, key: String(ts % 7), n: ts });
    });
    expect(size('left')).toBe(20 + 5 + 100 + 1);
    saved.turn(() => {
      for (let ts = 19_000; ts < 20_000; ts++) right.next({ ts, key: 'other', n: ts });
    });
    expect(size('left')).toBe(20 + 5 + 1);
    expect(size('right')).toBe(30 + 5 + 1);
  });
});
