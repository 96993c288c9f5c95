import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import {
  avg,
  count,
  countDistinct,
  first,
  float64,
  hopping,
  key,
  last,
  type Millrace,
  max,
  min,
  stddev,
  string,
  sum,
  timestamp,
  tumbling,
  variance,
  windowed,
} from '../../../src/index.js';
import { seededRandom } from '../../../src/storage/random.js';
import { SimulatedStorage } from '../../../src/storage/simulated-storage.js';
import { openDerived, recordsOf } from '../../support/derived-mills.js';

interface Reading {
  readonly ts: number;
  readonly device: string;
  readonly value: number;
}

const HOUR = 3_600_000;
const END = 'end';

/** Two devices with gaps, repeats, ties and disorder of up to six hours. */
function made(): Reading[] {
  const random = seededRandom(7);
  const start = Date.UTC(2024, 2, 1);
  return Array.from({ length: 4_000 }, (_, at) => {
    const disorder = Math.floor(random() * 6 * HOUR);
    const ts = start + Math.floor((at * 400_000 + (at > 2_000 ? 40 * HOUR : 0) - disorder) / 60_000) * 60_000;
    return { ts, device: at % 3 === 0 ? 'x' : 'y', value: Math.round((random() - 0.5) * 1e6) / 1e3 };
  });
}

/** Real measurements, where they are: comma-separated files with a time and a value, all in one stream by their times. */
function measured(folder: string): Reading[] {
  const readings = readdirSync(folder)
    .filter((name) => name.endsWith('.csv'))
    .flatMap((name) => {
      const [, ...lines] = readFileSync(join(folder, name), 'utf8').trim().split('\n');
      return lines.map((line): Reading => {
        const [time, value] = line.split(',') as [string, string];
        return { ts: Date.parse(`${time.replace(' ', 'T')}Z`), device: name.slice(0, -4), value: Number(value) };
      });
    });
  return readings.sort((a, b) => a.ts - b.ts);
}

const aggregate = {
  n: count('value'),
  total: sum('value'),
  low: min('value'),
  high: max('value'),
  mean: avg('value'),
  spread: stddev('value'),
  scatter: variance('value', { population: true }),
  opened: first('value'),
  closed: last('value'),
  different: countDistinct('value'),
};

const declare = (mill: Millrace) => {
  const readings = mill.stream('readings', { schema: { ts: timestamp(), device: key(string()), value: float64() } });
  const options = { by: 'device', lateness: '12h', aggregate } as const;
  return {
    readings,
    hours: mill.stream('hours', { from: readings.pipe(windowed(tumbling('1h'), options)) }),
    sliding: mill.stream('sliding', { from: readings.pipe(windowed(hopping('6h', '90m'), options)) }),
    days: mill.stream('days', {
      from: readings.pipe(windowed(tumbling('1d', { timeZone: 'Europe/Berlin' }), options)),
    }),
  };
};

/** SQL that gives the windows of each reading, as `start` and `end`. */
const WINDOWS = {
  hours: `SELECT *, (ts // ${HOUR}) * ${HOUR} AS "start", (ts // ${HOUR} + 1) * ${HOUR} AS "end" FROM readings`,
  sliding: `SELECT *, unnest(range(0, 4)) AS hop, (ts // ${1.5 * HOUR} - hop) * ${1.5 * HOUR} AS "start", "start" + ${6 * HOUR} AS "end" FROM readings`,
  days: `SELECT *, epoch_ms(timezone('Europe/Berlin', date_trunc('day', timezone('Europe/Berlin', to_timestamp(ts / 1000.0))))) AS "start",
    epoch_ms(timezone('Europe/Berlin', date_trunc('day', timezone('Europe/Berlin', to_timestamp(ts / 1000.0))) + INTERVAL 1 DAY)) AS "end" FROM readings`,
};

async function bySql(readings: readonly Reading[]) {
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  await connection.run('CREATE TABLE readings (arrival INTEGER, ts BIGINT, device VARCHAR, value DOUBLE)');
  const appender = await connection.createAppender('readings');
  for (const [arrival, { ts, device, value }] of readings.entries()) {
    appender.appendInteger(arrival);
    appender.appendBigInt(BigInt(ts));
    appender.appendVarchar(device);
    appender.appendDouble(value);
    appender.endRow();
  }
  appender.closeSync();
  return async (windows: string): Promise<Record<string, unknown>[]> => {
    const result = await connection.runAndReadAll(`
      SELECT device, "start"::DOUBLE AS "start", "end"::DOUBLE AS "end", min(ts)::DOUBLE AS "firstTime", max(ts)::DOUBLE AS "lastTime",
        count(*)::DOUBLE AS count, count(value)::DOUBLE AS n, fsum(value) AS total, min(value) AS low, max(value) AS high,
        favg(value) AS mean, stddev_samp(value) AS spread, var_pop(value) AS scatter,
        arg_min(value, ts * 1000000 + arrival) AS opened, arg_max(value, ts * 1000000 + arrival) AS closed,
        count(DISTINCT value)::DOUBLE AS different
      FROM (${windows}) GROUP BY device, "start", "end"`);
    return result.getRowObjectsJS() as Record<string, unknown>[];
  };
}

const nameOf = ({ device, start }: Record<string, unknown>): string => `${device as string} ${start as number}`;

/** Of the same rows; sums may differ in their last digits, as they are added in another order. */
function assertSame(found: readonly Record<string, unknown>[], expected: readonly Record<string, unknown>[]): void {
  const byName = new Map(found.map((row) => [nameOf(row), row]));
  expect(byName.size).toBe(found.length);
  expect(found.length).toBe(expected.length);
  for (const row of expected) {
    const { revision, final, ...other } = byName.get(nameOf(row)) ?? {};
    expect({ revision, final }).toEqual({ revision: 0, final: true });
    for (const [name, value] of Object.entries(row)) {
      const is = other[name] ?? null;
      const isClose =
        typeof value === 'number' &&
        typeof is === 'number' &&
        Math.abs(is - value) <= 1e-9 * Math.max(1, Math.abs(value));
      if (!isClose) expect(`${nameOf(row)} ${name}: ${String(is)}`).toBe(`${nameOf(row)} ${name}: ${String(value)}`);
    }
  }
}

async function assertSameAsSql(readings: readonly Reading[]): Promise<void> {
  let opened = await openDerived(new SimulatedStorage({ seed: 5 }), declare, { checkpointBytes: 200_000 });
  await opened.settled(opened.mill.start());
  const crashes = new Set([1, 3].map((quarter) => Math.floor((readings.length * quarter) / 4)));
  for (let at = 0; at < readings.length; ) {
    const to = Math.min(readings.length, ...[...crashes].filter((crash) => crash > at), at + 2_000);
    await opened.settled(opened.readings.appendMany(readings.slice(at, to)));
    at = to;
    if (!crashes.has(at)) continue;
    opened = await openDerived(opened.disk.crash(), declare, { checkpointBytes: 200_000 });
    await opened.settled(opened.mill.start());
  }
  const ts = Math.max(...readings.map((reading) => reading.ts)) + 72 * HOUR;
  await opened.settled(opened.readings.append({ ts, device: END, value: 0 }));
  const query = await bySql(readings);
  for (const name of ['hours', 'sliding', 'days'] as const) {
    const rows = (await recordsOf<Record<string, unknown>>(opened[name] as never, opened)).map(({ event }) => event);
    assertSame(
      rows.filter(({ device }) => device !== END),
      await query(WINDOWS[name]),
    );
  }
  await opened.settled(opened.mill.close());
}

/** Beside the project, where there is some. */
const DATA = join(__dirname, '../../../../shared/data/nab');

describe('windows are what SQL says', () => {
  it('of readings with gaps, repeats and disorder, over two crashes', async () => {
    await assertSameAsSql(made());
  });

  const onData = existsSync(DATA) ? it : it.skip;
  onData(
    'of real measurements (skipped where ../shared/data is not there)',
    async () => {
      await assertSameAsSql(measured(DATA));
    },
    120_000,
  );
});
