import fc from 'fast-check';
import {
  bool,
  bytes,
  float32,
  float64,
  int32,
  int64,
  json,
  key,
  type RowOf,
  string,
  tag,
  timestamp,
} from '../../src/index.js';
import { asynchronousDisk, newMill, startedMill, take } from '../support/stream-mills.js';

const schema = {
  ts: timestamp(),
  device: key(string()),
  small: int32(),
  large: int64(),
  single: float32(),
  double: float64(),
  flag: bool(),
  place: tag(string()).optional(),
  document: json().optional(),
  raw: bytes().optional(),
  later: timestamp().optional(),
};
type Row = RowOf<typeof schema>;

const row = (n: number): Row => ({
  ts: 1_000 + n,
  device: `d${n % 5}`,
  small: n,
  large: BigInt(n),
  single: n / 2,
  double: n / 3,
  flag: n % 2 === 0,
  place: n % 3 === 0 ? undefined : `p${n}`,
  document: { n },
  raw: Uint8Array.of(n),
  later: undefined,
});
const rowsOf = (count: number): Row[] => Array.from({ length: count }, (_, n) => row(n));
const listsOf = (rows: readonly Row[]): { [K in keyof Row]-?: Row[K][] } =>
  Object.fromEntries(Object.keys(schema).map((name) => [name, rows.map((one) => one[name as keyof Row])])) as never;

describe('appendColumns', () => {
  it('takes plain arrays: the same as the rows one by one', async () => {
    const { readings } = await startedMill({ vgroups: 4 }, schema);
    expect(await readings.appendColumns(listsOf(rowsOf(40)))).toEqual({ firstLsn: 1, lastLsn: 40, count: 40 });
    expect(await take(readings.from('earliest'), 40)).toEqual(rowsOf(40));
  });

  it.each([1, 4])('takes typed arrays of the columns’ own types, with %i VGroups', async (vgroups) => {
    const { readings } = await startedMill({ vgroups }, schema);
    const lists = listsOf(rowsOf(100));
    await readings.appendColumns({
      ...lists,
      ts: Float64Array.from(lists.ts),
      small: Int32Array.from(lists.small),
      large: BigInt64Array.from(lists.large),
      single: Float32Array.from(lists.single),
      double: Float64Array.from(lists.double),
    });
    expect(await take(readings.from('earliest'), 100)).toEqual(rowsOf(100));
  });

  it('takes typed arrays of other types where their values fit', async () => {
    const { readings } = await startedMill(
      {},
      { ts: timestamp(), small: int32(), single: float32(), double: float64() },
    );
    const columns = {
      ts: Int32Array.of(1, 2),
      small: Uint8Array.of(3, 4),
      single: Float64Array.of(0.1, 5),
      double: Float32Array.of(6, 7),
    };
    await readings.appendColumns(columns);
    expect(await take(readings.from('earliest'), 2)).toEqual([
      { ts: 1, small: 3, single: Math.fround(0.1), double: 6 },
      { ts: 2, small: 4, single: 5, double: 7 },
    ]);
  });

  it('takes an optional column as a typed array: every row has a value', async () => {
    const { readings } = await startedMill({}, { ts: timestamp(), later: timestamp().optional() });
    await readings.appendColumns({ ts: [1, 2], later: Float64Array.of(3, 4) });
    expect(await take(readings.from('earliest'), 2)).toEqual([
      { ts: 1, later: 3 },
      { ts: 2, later: 4 },
    ]);
  });

  it.each([
    ['Uint32Array', (indexes: number[]) => Uint32Array.from(indexes)],
    ['Uint16Array', (indexes: number[]) => Uint16Array.from(indexes)],
    ['Uint8Array', (indexes: number[]) => Uint8Array.from(indexes)],
    ['Int32Array', (indexes: number[]) => Int32Array.from(indexes)],
    ['plain array', (indexes: number[]) => indexes],
  ])('takes values and indexes, as a %s', async (_, indexesOf) => {
    const shape = { ts: timestamp(), device: key(string()), place: string().optional() };
    const { readings } = await startedMill({ vgroups: 4 }, shape);
    await readings.appendColumns({
      ts: [1, 2, 3, 4],
      device: { values: ['a', 'b', 'unused'], indexes: indexesOf([0, 1, 1, 0]) },
      place: { values: ['here', undefined], indexes: indexesOf([1, 0, 1, 0]) },
    });
    expect(await take(readings.from('earliest'), 4)).toEqual([
      { ts: 1, device: 'a', place: undefined },
      { ts: 2, device: 'b', place: 'here' },
      { ts: 3, device: 'b', place: undefined },
      { ts: 4, device: 'a', place: 'here' },
    ]);
  });

  it('takes several key columns, and none', async () => {
    const mill = newMill({ vgroups: 4 });
    const two = mill.stream('two', { schema: { ts: timestamp(), a: key(string()), b: key(int32()) } });
    const none = mill.stream('none', { schema: { ts: timestamp() } });
    await mill.start();
    const rows = Array.from({ length: 50 }, (_, n) => ({ ts: n, a: `a${n % 3}`, b: n % 4 }));
    await two.appendColumns({ ts: rows.map(({ ts }) => ts), a: rows.map(({ a }) => a), b: rows.map(({ b }) => b) });
    await none.appendColumns({ ts: Float64Array.of(1, 2, 3) });
    expect(await take(two.from('earliest'), 50)).toEqual(rows);
    expect(await take(none.from('earliest'), 3)).toEqual([{ ts: 1 }, { ts: 2 }, { ts: 3 }]);
  });

  it('takes no rows', async () => {
    const { mill, readings } = await startedMill({}, { ts: timestamp(), v: float64() });
    expect(await readings.appendColumns({ ts: [], v: new Float64Array(0) })).toMatchObject({ count: 0 });
    expect(mill.metrics().events).toBe(0);
  });

  it('copies the arrays: they are the caller’s again at once', async () => {
    const { readings } = await startedMill(
      { storage: asynchronousDisk(), commitEventsMax: 10 },
      { ts: timestamp(), v: float64(), s: string() },
    );
    const columns = {
      ts: Array.from({ length: 95 }, (_, n) => n),
      v: new Float64Array(95).fill(7),
      s: Array.from({ length: 95 }, () => 's'),
    };
    const appended = readings.appendColumns(columns);
    columns.ts.fill(0);
    columns.v.fill(0);
    columns.s.fill('changed');
    await appended;
    expect(await take(readings.from('earliest'), 95)).toEqual(
      Array.from({ length: 95 }, (_, ts) => ({ ts, v: 7, s: 's' })),
    );
  });

  it('goes into as many commits as its events and bytes need', async () => {
    const { mill, readings } = await startedMill(
      { storage: asynchronousDisk(), commitEventsMax: 1_000, commitBytesMax: 50_000 },
      { ts: timestamp(), text: string() },
    );
    const bytesOf = async (columns: Parameters<typeof readings.appendColumns>[0]): Promise<number[]> => {
      const sizes: number[] = [];
      let before = mill.metrics().bytes;
      const subscription = readings.subscribe(() => {
        const { commit } = mill.metrics();
        sizes[commit] ??= mill.metrics().bytes - before;
        before = mill.metrics().bytes;
      });
      await readings.appendColumns(columns);
      subscription.unsubscribe();
      return sizes.filter((size) => size > 0);
    };
    const many = await bytesOf({
      ts: new Float64Array(5_500),
      text: { values: ['x'], indexes: new Uint32Array(5_500) },
    });
    expect(many.length).toBeGreaterThanOrEqual(6);
    const large = await bytesOf({
      ts: new Float64Array(100),
      text: { values: ['x'.repeat(10_000)], indexes: new Uint32Array(100) },
    });
    expect(Math.max(...large)).toBeLessThan(80_000);
  });

  it('gives the same rows as appendMany, whatever the rows and VGroups', async () => {
    const shape = { ts: timestamp(), device: key(string()), v: float64(), s: string().optional() };
    const event = fc.record({
      ts: fc.integer(),
      device: fc.string({ maxLength: 2 }),
      v: fc.double(),
      s: fc.option(fc.string(), { nil: undefined }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 40 }), fc.constantFrom(1, 3), async (events, vgroups) => {
        const { mill, readings } = await startedMill({ vgroups, commitEventsMax: 7 }, shape);
        await readings.appendMany(events);
        await readings.appendColumns({
          ts: events.map(({ ts }) => ts),
          device: events.map(({ device }) => device),
          v: events.map(({ v }) => v),
          s: events.map(({ s }) => s),
        });
        const rows = await take(readings.from('earliest'), events.length * 2);
        expect(rows.slice(0, events.length)).toEqual(rows.slice(events.length));
        await mill.close();
      }),
      { numRuns: 50 },
    );
  });
});
