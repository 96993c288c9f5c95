import { from, NEVER } from 'rxjs';
import {
  avg,
  count,
  countWindow,
  eventWindow,
  hopping,
  MillraceError,
  quantile,
  reducer,
  session,
  stateWindow,
  tumbling,
  windowed,
} from '../../../src/index.js';

const anything = windowed as unknown as (window: unknown, options: unknown) => ReturnType<typeof windowed<object>>;
const fine = { by: 'key', time: 'ts', aggregate: { n: count() } };
const options =
  (more: object, window: unknown = tumbling('1m')) =>
  () =>
    anything(window, { ...fine, ...more });
const unmergeable = reducer({ init: () => 0, add: (state: number) => state, result: (state) => state });

function errorOf(act: () => unknown): MillraceError {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(MillraceError);
    return error as MillraceError;
  }
  throw new Error('nothing was thrown');
}

describe('windows and options that do not fit', () => {
  it.each([
    ['a size of 0', () => tumbling(0), /size .* not 0/],
    ["a size of '0s'", () => tumbling('0s'), /size .* not "0s"/],
    ['a negative size', () => tumbling(-5), /size/],
    ['a size of no number', () => tumbling(Number.NaN), /size/],
    ['a size that is no duration', () => tumbling('soon'), /size .* not "soon"/],
    ['a size of parts of a millisecond', () => tumbling(0.5), /whole/],
    ['no size', () => tumbling(undefined as never), /size .* not undefined/],
    ['an offset that is no duration', () => tumbling('1m', { offset: 'x' }), /offset/],
    ['an unknown time zone', () => tumbling('1d', { timeZone: 'Mars/Olympus' }), /timeZone .* not "Mars\/Olympus"/],
    ['a time zone with hours', () => tumbling('1h', { timeZone: 'Europe/Berlin' }), /timeZone .* offset/],
    ['no days', () => tumbling('0d', { timeZone: 'Europe/Berlin' }), /size/],
    ['no months', () => tumbling('0mo'), /size/],
    ['a hop of 0', () => hopping('1m', 0), /every/],
    ['a hop longer than its window', () => hopping('1m', '2m'), /every must not be longer/],
    ['a hop of months', () => hopping('1y', '1mo'), /differ in length/],
    ['hops without end', () => hopping('1d', 1), /100000 windows/],
    ['a gap of 0', () => session(0), /gap/],
    ['a selector that is none', () => stateWindow('state' as never), /stateWindow/],
    ['an end that is no function', () => eventWindow(() => true, true as never), /eventWindow/],
    ['a count of 0', () => countWindow(0), /size .* not 0/],
    ['a count of parts', () => countWindow(1.5), /size/],
    ['a count that begins too seldom', () => countWindow(2, 3), /every .* 1 to size \(2\)/],
    ['a quantile above 1', () => quantile('v', 50), /from 0 to 1/],
    ['a quantile without accuracy', () => quantile('v', 0.5, { accuracy: 0 }), /accuracy/],
    ['a reducer without result', () => reducer({ init: () => 0, add: () => 0 } as never), /result/],
    ['no window', () => anything('1m', fine), /takes a window such as tumbling/],
    ['no options', () => anything(tumbling('1m'), undefined), /takes options/],
    ['no aggregates', options({ aggregate: undefined }), /aggregate must be an object/],
    ['an aggregate that is none', options({ aggregate: { n: 'count' } }), /aggregate\.n must be an aggregate/],
    ['an aggregate that is not called', options({ aggregate: { n: count } }), /aggregate\.n .* not a function/],
    [
      'an aggregate of no column',
      options({ aggregate: { n: avg(undefined as never) } }),
      /aggregate\.n must name a column/,
    ],
    [
      'an aggregate with the name of a key',
      options({ aggregate: { key: count() } }),
      /"key" has the name of a key column/,
    ],
    ['an aggregate with the name of a column', options({ aggregate: { end: count() } }), /"end" .* rename/],
    ['a key with the name of a column', options({ by: ['key', 'start'] }), /key column "start" .* map/],
    [
      'a name that JavaScript takes',
      options({ aggregate: Object.fromEntries([['__proto__', count()]]) }),
      /cannot have this name/,
    ],
    ['a key twice', options({ by: ['key', 'key'] }), /"key" twice/],
    ['a key of no name', options({ by: [''] }), /by must name a column/],
    ['a key that is no name', options({ by: 5 }), /by must name a column, not 5/],
    ['a time that is no name', options({ time: 5 }), /time must name a column/],
    ['a negative lateness', options({ lateness: -1 }), /lateness .* not -1/],
    ['a lateness that is no duration', options({ lateness: 'late' }), /lateness/],
    ['an unknown way with late events', options({ late: 'keep' }), /late must be/],
    ['corrections for no time', options({ late: { correct: 0 } }), /late\.correct/],
    ['a delay that is none', options({ maxDelay: 'soon' }), /maxDelay .* not "soon"/],
    ['a delay below the lateness', options({ lateness: 5, maxDelay: 4 }), /maxDelay must not be below lateness/],
    ['an idle time of nothing', options({ idle: 0 }), /idle .* not 0/],
    ['an onLate that is no function', options({ onLate: true }), /onLate/],
    ['an unknown way to emit', options({ emit: 'all' }), /emit must be/],
    [
      'corrections of what follows from order',
      options({ late: { correct: 5 } }, countWindow(2)),
      /countWindow\(2, 2\) cannot be corrected/,
    ],
    [
      'sessions that cannot be merged',
      options({ lateness: 5, aggregate: { r: unmergeable } }, session(5)),
      /aggregate\.r cannot be merged/,
    ],
  ])('%s', (_name, act, message) => {
    const error = errorOf(act);
    expect(error.code).toBe('INVALID_OPTION');
    expect(error.message).toMatch(message);
  });

  it.each(['side', { correct: 5, side: true }] as const)('a side that nobody takes', (late) => {
    let error: unknown;
    NEVER.pipe(options({ late })() as never).subscribe({ error: (thrown) => (error = thrown) });
    expect(error).toMatchObject({ code: 'INVALID_OPTION', message: expect.stringMatching(/needs onLate/) });
  });

  it('a reducer without merge is fine where sessions are never merged', () => {
    expect(options({ aggregate: { r: unmergeable } }, session(5))).not.toThrow();
    expect(options({ lateness: 5, aggregate: { r: unmergeable } })).not.toThrow();
  });

  it('lateness of 0 may be said in words', () => {
    expect(options({ lateness: '0s' })).not.toThrow();
  });

  it('a state that is an object is an error of the stream', () => {
    const errors: unknown[] = [];
    from([{ ts: 1 }])
      .pipe(
        windowed(
          stateWindow((event: object) => event as never),
          { time: 'ts', aggregate: {} },
        ),
      )
      .subscribe({ error: (error) => errors.push(error) });
    expect(errors).toMatchObject([{ code: 'INVALID_ARGUMENT', message: expect.stringContaining('fields') }]);
  });

  it('no time is an error of the stream: a mill would know it', () => {
    const errors: unknown[] = [];
    from([{ key: 'a' }])
      .pipe(windowed(tumbling('1m'), { by: 'key', aggregate: { n: count() } }))
      .subscribe({ error: (error) => errors.push(error) });
    expect(errors).toMatchObject([{ code: 'INVALID_OPTION', message: expect.stringContaining('time') }]);
  });
});

describe('events that do not fit', () => {
  const good = { ts: 1, key: 'a', room: 1 };

  it.each([
    ['no time', { key: 'a' }, ['key'], /no column "ts".* It has: key/],
    [
      'a time that is not finite',
      { ts: Infinity, key: 'a' },
      ['key'],
      /column "ts", must be a finite number .* not Infinity/,
    ],
    ['a time in nanoseconds', { ts: 1.7e18, key: 'a' }, ['key'], /milliseconds .* at most 8.64e15/],
    ['a time of NaN', { ts: Number.NaN, key: 'a' }, ['key'], /not NaN/],
    ['a time that is a Date', { ts: new Date(5), key: 'a' }, ['key'], /getTime/],
    ['a time that is a string', { ts: '5', key: 'a' }, ['key'], /not string/],
    ['no key', { ts: 5 }, ['key'], /no column "key", which windowed takes as its key/],
    ['a key of null', { ts: 5, key: null }, ['key'], /not null/],
    ['a key that is an object', { ts: 5, key: {} }, ['key'], /not an object/],
    ['no second key', { ts: 5, key: 'a' }, ['key', 'room'], /no column "room"/],
    ['no event', null, ['key'], /"ts"/],
    ['no event', undefined, [], /"ts"/],
  ])('%s', (_name, event, by, message) => {
    const seen: unknown[] = [];
    for (const window of [tumbling(5), session(5), countWindow(1)])
      from<object[]>([good, event as never, good])
        .pipe(anything(window, { ...fine, by }))
        .subscribe({ next: () => {}, error: (error) => seen.push(error) });
    for (const error of seen) {
      expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(message) });
      expect((error as Error).message).toContain('before windowed');
    }
    expect(seen).toHaveLength(3);
  });
});
