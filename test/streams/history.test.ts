import fc from 'fast-check';
import { bool, float64, int32, int64, key, string, timestamp } from '../../src/index.js';
import { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import {
  asynchronousDisk,
  type ReadingRow,
  reading,
  readingSchema,
  readingsOf,
  startedMill,
  tick,
  watch,
} from '../support/stream-mills.js';

const schema = { ts: timestamp(), device: key(string()), slot: key(int32()), value: float64() };
interface Row {
  readonly ts: number;
  readonly device: string;
  readonly slot: number;
  readonly value: number;
}
interface Query {
  readonly from?: number;
  readonly to?: number;
  readonly where?: { readonly device?: string; readonly slot?: number };
  readonly columns?: readonly (keyof Row)[];
  readonly limit?: number;
  readonly order?: 'asc' | 'desc';
}

/** What a query must give of rows that were appended in this order. */
function expected(rows: readonly Row[], { from, to, where = {}, columns, limit, order }: Query): Partial<Row>[] {
  const found = rows.filter(
    (row) =>
      (from === undefined || row.ts >= from) &&
      (to === undefined || row.ts < to) &&
      Object.entries(where).every(([name, value]) => value === undefined || row[name as keyof Row] === value),
  );
  const ordered = order === 'desc' ? found.reverse() : found;
  return ordered
    .slice(0, limit)
    .map((row) => (columns ? Object.fromEntries(columns.map((name) => [name, row[name]])) : row));
}

/** All rows of an iteration. */
async function all<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const row of rows) found.push(row);
  return found;
}

type Step = { do: 'append'; rows: Row[] } | { do: 'checkpoint' | 'restart' };

const row: fc.Arbitrary<Row> = fc.record({
  ts: fc.integer({ min: 0, max: 60 }),
  device: fc.constantFrom('a', 'b', 'ß', ''),
  slot: fc.constantFrom(-1, 0, 7),
  value: fc.nat(),
});
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.record({ do: fc.constant('append' as const), rows: fc.array(row, { maxLength: 40 }) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('checkpoint' as const, 'restart' as const) }) },
  ),
  { maxLength: 8 },
);
const time = fc.integer({ min: -5, max: 65 });
const query: fc.Arbitrary<Query> = fc.record(
  {
    from: time,
    to: time,
    where: fc.record(
      { device: fc.constantFrom('a', 'b', 'ß', '', 'none'), slot: fc.constantFrom(-1, 0, 7) },
      { requiredKeys: [] },
    ),
    columns: fc.subarray<keyof Row>(['ts', 'device', 'slot', 'value'], { minLength: 1 }),
    limit: fc.nat(50),
    order: fc.constantFrom('asc' as const, 'desc' as const),
  },
  { requiredKeys: [] },
);

describe('history', () => {
  it('gives what was appended, as it was asked for, wherever it is: segments, memory, several VGroups', async () => {
    const plan = fc.record({
      steps,
      queries: fc.array(query, { minLength: 1, maxLength: 6 }),
      vgroups: fc.constantFrom(1, 4),
      commitEventsMax: fc.constantFrom(7, 1_000),
    });
    await fc.assert(
      fc.asyncProperty(plan, async ({ steps, queries, ...options }) => {
        const storage = new SimulatedStorage();
        const opened = () => startedMill({ ...options, storage }, schema);
        let { mill, readings } = await opened();
        const rows: Row[] = [];
        for (const step of steps) {
          if (step.do === 'append') {
            await readings.appendMany(step.rows);
            rows.push(...step.rows);
          }
          if (step.do === 'checkpoint') await mill.checkpoint();
          if (step.do === 'restart') {
            await mill.close();
            ({ mill, readings } = await opened());
          }
        }
        for (const query of queries) {
          const wanted = expected(rows, query);
          expect(await all(readings.history(query))).toEqual(wanted);
          const seen = watch(readings.history(query));
          while (seen.state === 'open') await tick();
          expect(seen).toEqual({ values: wanted, error: undefined, state: 'completed' });
        }
        await mill.close();
      }),
      { numRuns: 60 },
    );
  });

  it('takes dates, and bounds that say nothing', async () => {
    const { readings } = await startedMill();
    await readings.appendMany(readingsOf(10));
    const at = (n: number) => new Date(reading(n).ts);
    expect(await all(readings.history({ from: at(3), to: at(5) }))).toEqual(readingsOf(2, 3));
    expect(await all(readings.history({ from: -Infinity, to: Infinity, limit: Infinity }))).toEqual(readingsOf(10));
    expect(await all(readings.history({ from: at(5), to: at(5) }))).toEqual([]);
    expect(await all(readings.history({ from: at(5), to: at(3) }))).toEqual([]);
    expect(await all(readings.history({ limit: 0 }))).toEqual([]);
    expect(await all(readings.history({ columns: [] }))).toEqual(Array(10).fill({}));
  });

  it('finds keys of every type', async () => {
    const keyed = { ts: timestamp(), large: key(int64()), small: key(int32()), flag: key(bool()), value: float64() };
    const { mill, readings } = await startedMill({ vgroups: 3 }, keyed);
    const rows = Array.from({ length: 60 }, (_, n) => ({
      ts: n,
      large: BigInt(n % 3) - 2n ** 62n,
      small: n % 5,
      flag: n % 2 === 1,
      value: n,
    }));
    await readings.appendMany(rows);
    for (const checkpoint of [() => Promise.resolve(), () => mill.checkpoint()]) {
      await checkpoint();
      for (const { large, small, flag } of rows.slice(0, 30)) {
        const is = (one: (typeof rows)[number]) => one.large === large && one.small === small && one.flag === flag;
        expect(await all(readings.history({ where: { large, small, flag } }))).toEqual(rows.filter(is));
        expect(await all(readings.history({ where: { flag } }))).toEqual(rows.filter((one) => one.flag === flag));
        expect(await readings.latest({ large, small, flag })).toEqual(rows.findLast(is));
      }
    }
  });

  it('gives events that were written before a column was added, without it', async () => {
    const storage = new SimulatedStorage();
    const first = await startedMill({ storage });
    await first.readings.appendMany(readingsOf(3));
    await first.mill.checkpoint();
    await first.readings.appendMany(readingsOf(3, 3));
    const wider = { ...readingSchema, note: string().optional() };
    const { mill, readings } = await startedMill({ storage: storage.kill() }, wider);
    await readings.append({ ...reading(6), note: 'new' });
    const rows: (ReadingRow & { note?: string })[] = [...readingsOf(6), { ...reading(6), note: 'new' }];
    for (const checkpoint of [() => Promise.resolve(), () => mill.checkpoint()]) {
      await checkpoint();
      expect(await all(readings.history())).toEqual(rows);
      expect(await all(readings.history({ columns: ['note'] }))).toEqual(rows.map(({ note }) => ({ note })));
      expect(await all(readings.history({ where: { device: 'd3' }, order: 'desc' }))).toEqual([rows[3]]);
    }
  });

  it('is what was committed when it began, whatever comes meanwhile', async () => {
    const { mill, readings } = await startedMill({ storage: asynchronousDisk(), commitEventsMax: 50 });
    await readings.appendMany(readingsOf(1_500));
    await mill.checkpoint();
    await readings.appendMany(readingsOf(1_500, 1_500));
    for (const order of ['asc', 'desc'] as const) {
      const iterator = readings.history({ order, columns: ['value'] })[Symbol.asyncIterator]();
      const first = await iterator.next();
      await readings.appendMany(readingsOf(500, 3_000));
      await mill.checkpoint();
      const values = [first.value!.value];
      for (let next = await iterator.next(); !next.done; next = await iterator.next()) values.push(next.value.value);
      const whole = Array.from({ length: order === 'asc' ? 3_000 : 3_500 }, (_, n) => n);
      expect(values).toEqual(order === 'asc' ? whole : whole.reverse());
    }
  });

  it('opens only files that may have what is wanted', async () => {
    const storage = asynchronousDisk();
    const first = await startedMill({ storage, checkpointInterval: '1h' });
    for (let part = 0; part < 3; part++) {
      await first.readings.appendMany(readingsOf(100, part * 100).map((row) => ({ ...row, device: `part ${part}` })));
      await first.mill.checkpoint();
    }
    await first.mill.close();
    const { readings } = await startedMill({ storage });
    const read = async (query: Parameters<typeof readings.history>[0]) => {
      const before = storage.operations;
      const rows = await all(readings.history(query));
      const opened = storage.history.filter(
        (line) => Number(line.split(' ')[0]) > before && / read .*\.arrow/.test(line),
      );
      return { rows: rows.length, files: new Set(opened.map((line) => line.split(' ').at(-1))).size };
    };
    expect(await read({ from: reading(120).ts, to: reading(130).ts })).toEqual({ rows: 10, files: 1 });
    expect(await read({ where: { device: 'part 2' } })).toEqual({ rows: 100, files: 1 });
    expect(await read({ where: { device: 'part 5' } })).toEqual({ rows: 0, files: 0 });
    expect(await read({ order: 'desc', limit: 5 })).toEqual({ rows: 5, files: 1 });
  });
});
