import { map, type Observable } from 'rxjs';
import {
  avg,
  bufferCount,
  combineLatestWith,
  count,
  countWindow,
  dedupe,
  distinct,
  distinctUntilChanged,
  eventWindow,
  float64,
  fold,
  hopping,
  json,
  key,
  type Millrace,
  max,
  pairwise,
  quantile,
  scan,
  session,
  skip,
  stateWindow,
  string,
  take,
  timestamp,
  tumbling,
  type Window,
  windowed,
  withLatestFrom,
  zipWith,
} from '../../src/index.js';
import { seededRandom } from '../../src/storage/random.js';
import { expectSameAfterCrash } from '../../src/testing/index.js';

interface Reading {
  readonly ts: number;
  readonly device: string;
  readonly value: number;
}

/** Of each test; more by the environment. */
const CRASHES = Number(process.env.RUNS ?? 40);

const schema = { ts: timestamp(), device: key(string()), value: float64() };
const anything = { ts: timestamp(), seen: json() };

/** Readings out of order, with gaps, repeats and ties, of two streams. */
function events(length: number, seed: number): (readonly [stream: string, event: Reading])[] {
  const random = seededRandom(seed);
  const upTo = (max: number) => Math.floor(random() * (max + 1));
  let now = 100_000;
  return Array.from({ length }, () => {
    now += upTo(9) === 0 ? 40_000 : upTo(3) * 1_000;
    const ts = now - upTo(4) * upTo(4) * 1_000;
    return [upTo(3) === 0 ? 'limits' : 'readings', { ts, device: 'abc'[upTo(2)]!, value: upTo(5) }] as const;
  });
}

type Build = (readings: Observable<Reading>, limits: Observable<Reading>) => Observable<unknown>;

/** Each pipeline as a stream of its own, all in one mill. */
const declaring = (pipelines: Readonly<Record<string, Build>>) => (mill: Millrace) => {
  const readings = mill.stream('readings', { schema });
  const limits = mill.stream('limits', { schema });
  for (const [name, build] of Object.entries(pipelines)) {
    const from = build(readings, limits).pipe(map((seen) => ({ ts: 0, seen: (seen ?? null) as object })));
    mill.stream(name, { from, schema: anything });
  }
};

const running = (sum: number, { value }: Reading): number => sum * 2 + value;
const toValue = ({ value }: Reading): number => value;

it('keeps what operators under the names of RxJS remember', async () => {
  const declare = declaring({
    scan: (readings) => readings.pipe(scan(running, 0)),
    distinct: (readings) => readings.pipe(distinct(({ ts }) => ts % 7)),
    distinctUntilChanged: (readings) => readings.pipe(map(toValue), distinctUntilChanged()),
    pairwise: (readings) => readings.pipe(pairwise()),
    bufferCount: (readings) => readings.pipe(bufferCount(5, 3)),
    withLatestFrom: (readings, limits) => readings.pipe(withLatestFrom(limits)),
    combineLatestWith: (readings, limits) => readings.pipe(combineLatestWith(limits)),
    zipWith: (readings, limits) => readings.pipe(zipWith(limits)),
    take: (readings) => readings.pipe(take(9)),
    skip: (readings) => readings.pipe(skip(9)),
  });
  const tried = await expectSameAfterCrash(declare, events(40, 1), { crashPointsMax: CRASHES });
  expect(tried.crashes).toBe(CRASHES);
});

it('keeps what fold and dedupe remember of each key, in streams and in tables', async () => {
  const declare = (mill: Millrace) => {
    declaring({
      dedupe: (readings) => readings.pipe(dedupe({ by: ['device', 'value'], ttl: '20s' })),
    })(mill);
    const sums = (mill.stream('readings') as Observable<unknown> as Observable<Reading>).pipe(
      fold({
        by: 'device',
        init: () => ({ n: 0, recent: [] as number[] }),
        // Changed in place, as users do.
        add: ({ n, recent }, { value }) => {
          recent.push(value);
          if (recent.length > 3) recent.shift();
          return { n: n + 1, recent };
        },
      }),
    );
    mill.stream('fold', { from: sums.pipe(map((seen) => ({ ts: 0, seen }))), schema: anything });
    mill.table('sums', { key: 'device', from: sums });
  };
  const tried = await expectSameAfterCrash(declare, events(40, 2), { crashPointsMax: CRASHES });
  expect(tried.crashes).toBe(CRASHES);
});

const aggregate = { n: count(), mean: avg('value'), peak: max('value'), median: quantile('value', 0.5) };
const WINDOWS: Readonly<Record<string, Window<Reading>>> = {
  tumbling: tumbling('10s'),
  hopping: hopping('10s', '4s'),
  session: session('5s'),
  state: stateWindow(({ value }: Reading) => value > 2),
  event: eventWindow(
    ({ value }: Reading) => value > 3,
    ({ value }: Reading) => value < 1,
  ),
  count: countWindow(5, 2),
};

it.each(['drop', { correct: '15s' }] as const)('keeps what is open of windows, late events: %j', async (late) => {
  const pipelines = Object.entries(WINDOWS).map(([name, window]): [string, Build] => {
    const isCorrected = ['tumbling', 'hopping', 'session'].includes(name);
    const options = { by: 'device', lateness: '3s', late: isCorrected ? late : 'drop', aggregate } as const;
    return [name, (readings) => readings.pipe(windowed(window, options))];
  });
  const tried = await expectSameAfterCrash(declaring(Object.fromEntries(pipelines)), events(60, 3), {
    crashPointsMax: CRASHES,
  });
  expect(tried.crashes).toBe(CRASHES);
});

it('keeps what waits for the clock, and events that were too late', async () => {
  const declare = (mill: Millrace) => {
    const readings = mill.stream('readings', { schema });
    mill.stream('limits', { schema });
    const options = { late: 'side', maxDelay: '30s', aggregate: { n: count() } } as const;
    const rows = (window: Window<Reading>) => readings.pipe(windowed(window, options));
    mill.stream('tumbling', { from: rows(tumbling('10s')) });
    mill.stream('session', { from: rows(session('5s')) });
  };
  // Each comes two seconds after the one before, by the clock; then it is silent for a while.
  const clock = { start: 100_000, every: '2s', rest: '2m' } as const;
  const tried = await expectSameAfterCrash(declare, events(40, 4), { ...clock, crashPointsMax: CRASHES });
  expect(tried.crashes).toBe(CRASHES);
});
