import { concat, EMPTY, from, NEVER, of, Subject, take, tap, throwError } from 'rxjs';
import { countWindow, max, reducer, session, stateWindow, sum, tumbling, windowed } from '../../../src/index.js';
import { valueForm } from '../../../src/operators/aggregates/object-form.js';
import { MemoryStates } from '../../../src/operators/windows/memory-states.js';
import { brief, type Sample, samples, windowsOf } from './support.js';

const perTen = windowed<Sample, 'key', Record<never, never>>(tumbling(10), { by: 'key', time: 'ts', aggregate: {} });

describe('windowed', () => {
  it('gives rows whose columns have this order', () => {
    const rows: object[] = [];
    from(samples('a1'))
      .pipe(windowed(tumbling(10), { by: ['key', 'arrival'], time: 'ts', aggregate: { z: sum('v'), a: max('v') } }))
      .subscribe((row) => rows.push(row));
    expect(Object.entries(rows[0]!)).toEqual([
      ['key', 'a'],
      ['arrival', 0],
      ['start', 0],
      ['end', 10],
      ['firstTime', 1],
      ['lastTime', 1],
      ['count', 1],
      ['z', 1],
      ['a', 1],
      ['revision', 0],
      ['final', true],
    ]);
  });

  it('tells keys of all types and tuples apart, by content', () => {
    const keys = ['1', 1, 1n, true, '', '\u0000t', 0, -0];
    const one: unknown[] = [];
    from(keys.map((k) => ({ ts: 1, k })))
      .pipe(windowed(tumbling(10), { by: 'k', time: 'ts', aggregate: {} }))
      .subscribe(({ k, count }) => one.push([k, count]));
    expect(one).toEqual([
      ['1', 1],
      [1, 1],
      [1n, 1],
      [true, 1],
      ['', 1],
      ['\u0000t', 1],
      [0, 2],
    ]);
    const tuples = [
      ['a', 'bc'],
      ['ab', 'c'],
      ['a', 'bc'],
      [1, '1'],
      ['1', 1],
    ];
    const two: unknown[] = [];
    from(tuples.map(([a, b]) => ({ ts: 1, a: a!, b: b! })))
      .pipe(windowed(tumbling(10), { by: ['a', 'b'], time: 'ts', aggregate: {} }))
      .subscribe(({ a, b, count }) => two.push([a, b, count]));
    expect(two).toEqual([
      ['a', 'bc', 2],
      ['ab', 'c', 1],
      [1, '1', 1],
      ['1', 1, 1],
    ]);
  });

  it('reads columns whatever their names are', () => {
    const name = `it's "q" \\ \n \u2028`;
    const rows: Record<string, unknown>[] = [];
    from([{ 'the time': 1, [name]: 'k', constructor: 5 }] as unknown as Record<string, number>[])
      .pipe(
        windowed(tumbling(10), {
          by: name,
          time: 'the time',
          aggregate: { [`${name}2`]: sum('constructor'), $: max('constructor') },
        }),
      )
      .subscribe((row) => rows.push(row));
    expect(rows[0]).toMatchObject({ [name]: 'k', [`${name}2`]: 5, $: 5 });
  });

  it('starts anew with each subscription', () => {
    const rows: unknown[] = [];
    const source = windowsOf(from(samples('a1 a2')), tumbling(10));
    source.subscribe((row) => rows.push(brief(row)));
    source.subscribe((row) => rows.push(brief(row)));
    expect(rows).toEqual(Array.from({ length: 2 }, () => 'a [0, 10) 1..2 n=2 avg=1.5 max=2'));
  });

  it('emits nothing of a source without events, and waits for one that never ends', () => {
    const heard: string[] = [];
    EMPTY.pipe(perTen).subscribe({ next: () => heard.push('row'), complete: () => heard.push('complete') });
    concat(samples('a1'), NEVER)
      .pipe(perTen)
      .subscribe({ next: () => heard.push('row'), complete: () => heard.push('no') });
    expect(heard).toEqual(['complete']);
  });

  it('passes an error of the source on, without the windows that are open', () => {
    const heard: unknown[] = [];
    const failing = concat(
      samples('a1 a12'),
      throwError(() => 'broken'),
    );
    failing.pipe(perTen).subscribe({ next: ({ start }) => heard.push(start), error: (error) => heard.push(error) });
    expect(heard).toEqual([0, 'broken']);
  });

  it('errors with what a function of its options throws, and leaves the source', () => {
    const source = new Subject<Sample>();
    const errors: unknown[] = [];
    const broken = reducer({
      init: () => 0,
      add: (): number => {
        throw new Error('broken');
      },
      result: () => 0,
    });
    source
      .pipe(windowed(tumbling(10), { by: 'key', time: 'ts', aggregate: { broken } }))
      .subscribe({ error: ({ message }) => errors.push(message) });
    for (const event of samples('a1 a2')) source.next(event);
    expect(errors).toEqual(['broken']);
    expect(source.observed).toBe(false);
  });

  it('leaves an endless synchronous source when its subscriber leaves', () => {
    let taken = 0;
    const endless = from(
      (function* () {
        for (;;) yield { ts: taken++, key: `k${taken % 7}` };
      })(),
    );
    const rows: unknown[] = [];
    endless
      .pipe(windowed(tumbling(10), { by: 'key', time: 'ts', aggregate: {} }), take(3))
      .subscribe((row) => rows.push(row));
    expect(rows).toHaveLength(3);
    expect(taken).toBe(11);
  });

  it.each([
    ['tumbling', tumbling(10), ['a 1', 'b 2', 'a 20', 'c 30', 'c 50', 'complete']],
    ['session', session(10), ['a 1', 'b 2', 'a 20', 'c 30', 'c 50', 'complete']],
    ['state', stateWindow(({ ts }: Sample) => Math.floor(ts / 10)), ['a 1', 'c 30', 'b 2', 'a 20', 'c 50', 'complete']],
  ])('takes events that its rows cause afterwards, and then ends: %s', (_name, window, expected) => {
    const source = new Subject<Sample>();
    const heard: string[] = [];
    const rows$ = windowsOf(source, window).pipe(
      tap((row) => {
        const { key, firstTime } = row as { key: string; firstTime: number };
        heard.push(`${key} ${firstTime}`);
        if (firstTime !== 1) return;
        for (const event of samples('c30 c50')) source.next(event);
        source.complete();
      }),
    );
    rows$.subscribe({ complete: () => heard.push('complete') });
    for (const event of samples('a1 b2 a20 a21')) source.next(event);
    expect(heard).toEqual(expected);
  });

  it('gives the rooms of windows that went to others', () => {
    const states = new MemoryStates({ numbers: [0, 0, Infinity, -Infinity, 0, -1, 0, 7], objects: [valueForm('x')] });
    const place = states.place();
    const slots = Array.from({ length: 600 }, (_, at) => states.open(`k${at}`, at, at + 10));
    states.seek(slots[300]!, place);
    place.numbers[place.at + 7] = 8;
    place.setObject(0, 'x');
    states.close(slots[300]!);
    const slot = states.open('again', 5, 6);
    expect([slot, states.key(slot), states.size]).toEqual([300, 'again', 600]);
    states.seek(slot, place);
    expect(Array.from(place.numbers.subarray(place.at, place.at + 8))).toEqual([
      5,
      6,
      Infinity,
      -Infinity,
      0,
      -1,
      601,
      7,
    ]);
    expect(place.object(0)).toBeUndefined();
  });

  it.each([
    ['tumbling', tumbling(100)],
    ['session', session(100)],
    ['count', countWindow(100)],
  ])('keeps no more than the open windows: %s', (_name, window) => {
    let size = 0;
    const open = jest.spyOn(MemoryStates.prototype, 'open');
    const events = Array.from({ length: 20_000 }, (_, at) => ({ ts: at * 10, key: `k${at % 5}` }));
    from(events)
      .pipe(windowed(window, { by: 'key', time: 'ts', aggregate: {} }))
      .subscribe(() => {
        size = Math.max(size, open.mock.contexts[0]!.size);
      });
    open.mockRestore();
    expect(size).toBeLessThanOrEqual(10);
    expect(size).toBeGreaterThan(0);
  });

  it('has no aggregates where none are asked for', () => {
    const rows: unknown[] = [];
    of({ ts: 3 })
      .pipe(windowed(tumbling('1s'), { time: 'ts', aggregate: {} }))
      .subscribe((row) => rows.push(row));
    expect(rows).toEqual([{ start: 0, end: 1000, firstTime: 3, lastTime: 3, count: 1, revision: 0, final: true }]);
  });
});
