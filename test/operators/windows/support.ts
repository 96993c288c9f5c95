import { from, map, type Observable } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { avg, count, max, type Window, type WindowedOptions, windowed } from '../../../src/index.js';

/** An event as most tests have it: `arrival` tells equal ones apart. */
export interface Sample {
  readonly ts: number;
  readonly key: string;
  readonly v?: number | null | undefined;
  readonly s?: string | null | undefined;
  readonly arrival: number;
}

export type SampleOptions = Partial<WindowedOptions<Sample, 'key', never>>;

/** `a5`: an event of key `a` at 5 ms whose value is its time; `a5=7` has the value 7, `a5=` none. */
export function sample(text: string, arrival = 0): Sample {
  const [, key, ts, value] = /^([a-z]+)(-?\d+(?:\.\d+)?)(?:=(.*))?$/.exec(text)!;
  const v = value === undefined ? Number(ts) : value === '' ? null : Number(value);
  return { ts: Number(ts), key: key!, v: Number.isNaN(v) ? undefined : v, s: value, arrival };
}

export function samples(text: string): Sample[] {
  return text.split(' ').map(sample);
}

/** `a [0, 10) 5..9 n=2 avg=7 max=9`, then `#1` for a revision, `…` where it is not final. */
export function brief(row: unknown): string {
  const { key, start, end, firstTime, lastTime, count, mean, peak, revision, final } = row as Record<
    string,
    string | number | null
  >;
  const marks = `${revision === 0 ? '' : ` #${revision}`}${final ? '' : ' …'}`;
  return `${key} [${start}, ${end}) ${firstTime}..${lastTime} n=${count} avg=${mean} max=${peak}${marks}`;
}

const aggregate = { mean: avg('v'), peak: max('v'), n: count() };

export function windowsOf(
  source: Observable<Sample>,
  window: Window<Sample>,
  options: SampleOptions = {},
): Observable<unknown> {
  return source.pipe(windowed(window, { by: 'key', time: 'ts', ...options, aggregate }));
}

/** The rows of a source that completes, in brief; the last line is the error's code where it is one. */
export function rowsOf(events: string, window: Window<Sample>, options: SampleOptions = {}): string[] {
  const rows: string[] = [];
  windowsOf(from(samples(events)), window, options).subscribe({
    next: (row) => rows.push(brief(row)),
    error: (error) => rows.push(error.code ?? String(error)),
  });
  return rows;
}

/**
 * Marbles: `events` has a word for each letter of `marbles` (in order of the alphabet), `rows` one for each of `expected`.
 */
export function expectMarbles(
  marbles: string,
  events: string,
  window: Window<Sample>,
  expected: string,
  rows: readonly string[],
  options: SampleOptions = {},
): void {
  const scheduler = new TestScheduler((actual, wanted) => expect(actual).toEqual(wanted));
  scheduler.run(({ cold, expectObservable }) => {
    const letters = <V>(values: readonly V[]): Record<string, V> =>
      Object.fromEntries(values.map((value, at) => [String.fromCharCode(97 + at), value]));
    const source = cold(marbles, letters(samples(events)));
    expectObservable(windowsOf(source, window, options).pipe(map(brief))).toBe(expected, letters(rows));
  });
}
