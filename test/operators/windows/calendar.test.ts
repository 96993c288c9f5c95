import fc from 'fast-check';
import { from } from 'rxjs';
import { count, type Duration, type TumblingOptions, tumbling, windowed } from '../../../src/index.js';

/** The windows that times fall into, as `start – end` in UTC without what is 0. */
function windowsOf(times: readonly (string | number)[], size: Duration, options: TumblingOptions = {}): string[] {
  return rowsOf(times, size, options).map(({ start, end }) => `${brief(start)} – ${brief(end)}`);
}

function rowsOf(times: readonly (string | number)[], size: Duration, options: TumblingOptions) {
  const rows: { start: number; end: number; firstTime: number; lastTime: number }[] = [];
  from(times.map((time) => ({ ts: new Date(time).getTime() })))
    .pipe(windowed(tumbling(size, options), { time: 'ts', lateness: 1e14, aggregate: { n: count() } }))
    .subscribe((row) => rows.push(row));
  return rows;
}

const brief = (time: number): string => new Date(time).toISOString().replace(/(T00:00)?(:00)?\.000Z$/, '');
const Berlin = { timeZone: 'Europe/Berlin' };

describe('calendar windows', () => {
  it.each<[string, string, Duration, TumblingOptions, string]>([
    ['a day in UTC', '2024-03-31T12:00Z', '1d', {}, '2024-03-31 – 2024-04-01'],
    ['a day in winter', '2024-01-31T12:00Z', '1d', Berlin, '2024-01-30T23:00 – 2024-01-31T23:00'],
    ['a day of 23 hours', '2024-03-31T12:00Z', '1d', Berlin, '2024-03-30T23:00 – 2024-03-31T22:00'],
    ['a day of 25 hours', '2024-10-27T12:00Z', '1d', Berlin, '2024-10-26T22:00 – 2024-10-27T23:00'],
    ['the hour that comes twice', '2024-10-27T00:30Z', '1d', Berlin, '2024-10-26T22:00 – 2024-10-27T23:00'],
    [
      'a day from 6 o’clock',
      '2024-07-01T03:59Z',
      '1d',
      { ...Berlin, offset: '6h' },
      '2024-06-30T04:00 – 2024-07-01T04:00',
    ],
    [
      'a day from an hour that is not there',
      '2024-03-31T12:00Z',
      '1d',
      { ...Berlin, offset: '2h30m' },
      '2024-03-31T01:30 – 2024-04-01T00:30',
    ],
    [
      'a day from 22 o’clock before',
      '2024-07-01T21:00Z',
      '1d',
      { ...Berlin, offset: '-2h' },
      '2024-07-01T20:00 – 2024-07-02T20:00',
    ],
    [
      'a midnight that is not there',
      '2018-11-04T12:00Z',
      '1d',
      { timeZone: 'America/Sao_Paulo' },
      '2018-11-04T03:00 – 2018-11-05T02:00',
    ],
    [
      'a midnight that comes after 23 o’clock twice',
      '2018-02-18T02:30Z',
      '1d',
      { timeZone: 'America/Sao_Paulo' },
      '2018-02-17T02:00 – 2018-02-18T03:00',
    ],
    [
      'a day that was left out',
      '2011-12-30T12:00Z',
      '1d',
      { timeZone: 'Pacific/Apia' },
      '2011-12-30T10:00 – 2011-12-31T10:00',
    ],
    [
      'a zone of three quarters',
      '2024-01-01T12:00Z',
      '1d',
      { timeZone: 'Asia/Kathmandu' },
      '2023-12-31T18:15 – 2024-01-01T18:15',
    ],
    ['before there were time zones', '1850-01-01T12:00Z', '1d', { timeZone: 'Europe/Amsterdam' }, ''],
    ['two days', '1970-01-04T12:00Z', '2d', { timeZone: 'UTC' }, '1970-01-03 – 1970-01-05'],
    ['a week from Monday', '2024-05-12T21:59Z', '1w', Berlin, '2024-05-05T22:00 – 2024-05-12T22:00'],
    ['a week in UTC', '2024-05-12T23:59Z', '1 week', {}, '2024-05-06 – 2024-05-13'],
    ['a month', '2024-02-29T23:30Z', '1mo', {}, '2024-02-01 – 2024-03-01'],
    ['a month in a zone', '2024-02-29T23:30Z', '1mo', Berlin, '2024-02-29T23:00 – 2024-03-31T22:00'],
    ['a month from the 15th', '2024-03-14T12:00Z', '1mo', { offset: '14d' }, '2024-02-15 – 2024-03-15'],
    ['a quarter', '2024-05-01T12:00Z', '1q', {}, '2024-04-01 – 2024-07-01'],
    ['half a year', '2024-05-01T12:00Z', '6 months', {}, '2024-01-01 – 2024-07-01'],
    ['a year', '2024-05-01T12:00Z', '1y', Berlin, '2023-12-31T23:00 – 2024-12-31T23:00'],
    ['a year before 1970', '1969-05-01T12:00Z', '1y', {}, '1969-01-01 – 1970-01-01'],
  ])('%s', (_name, time, size, options, expected) => {
    const [window] = windowsOf([time], size, options);
    if (expected !== '') expect(window).toBe(expected);
    else expect(window).toMatch(/^1849-12-31T23:.* – 1850-01-01T23:/);
  });

  it('lie side by side, each with the times that are in it, whatever order they come in', () => {
    const zones = fc.constantFrom(
      'Europe/Berlin',
      'America/Sao_Paulo',
      'America/Havana',
      'Pacific/Apia',
      'Asia/Tehran',
      'UTC',
    );
    const times = fc.array(fc.integer({ min: Date.UTC(2008, 0), max: Date.UTC(2019, 0) }), {
      minLength: 1,
      maxLength: 30,
    });
    const sizes = fc.constantFrom('1d', '3d', '1w', '1mo', '1q', '1y');
    const offset = fc.integer({ min: -30, max: 30 }).map((hours) => hours * 1_800_000);
    fc.assert(
      fc.property(times, sizes, zones, offset, (all, size, timeZone, by) => {
        const rows = rowsOf(all, size, { timeZone, offset: by });
        for (const { start, end, firstTime, lastTime } of rows) {
          expect(firstTime).toBeGreaterThanOrEqual(start);
          expect(lastTime).toBeLessThan(end);
          // What is just before is in the window that ends here.
          const [before, itself] = rowsOf([start - 1, start], size, { timeZone, offset: by });
          expect([before!.end, itself!.start, itself!.end]).toEqual([start, start, end]);
        }
        for (const [at, { start }] of rows.entries())
          if (at > 0) expect(start).toBeGreaterThanOrEqual(rows[at - 1]!.end);
      }),
      { numRuns: 60 },
    );
  });

  it('end as the others do', () => {
    const ends: number[] = [];
    from([0, 30, 31, 59, 60].map((day) => ({ ts: Date.UTC(2023, 0, 1 + day) })))
      .pipe(windowed(tumbling('1mo'), { time: 'ts', aggregate: { n: count() } }))
      .subscribe(({ n }) => ends.push(n));
    expect(ends).toEqual([2, 1, 2]);
  });

  it('go up to the ends of the calendar', () => {
    const [row] = rowsOf([8.64e15 - 1], '1d', Berlin);
    expect(row!.start).toBeLessThan(8.64e15);
    expect(rowsOf([-8.64e15], '1mo', Berlin)).toHaveLength(1);
  });

  it('refuse a time that no calendar knows', () => {
    const errors: unknown[] = [];
    from([{ ts: 1e16 }])
      .pipe(windowed(tumbling('1mo'), { time: 'ts', aggregate: { n: count() } }))
      .subscribe({ error: (error) => errors.push(error) });
    expect(errors).toMatchObject([{ code: 'INVALID_ARGUMENT', message: expect.stringContaining('8.64e15') }]);
  });
});
