import fc from 'fast-check';
import { firstValueFrom, type Observable, toArray } from 'rxjs';
import {
  bool,
  bytes,
  type ColumnBatch,
  float32,
  float64,
  int32,
  int64,
  json,
  key,
  type RowOf,
  string,
  timestamp,
} from '../../src/index.js';
import { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import { reading, readingSchema, readingsOf, startedMill } from '../support/stream-mills.js';

const schema = {
  ts: timestamp(),
  device: key(string()),
  slot: key(int32()),
  flag: bool().optional(),
  small: int32().optional(),
  large: int64().optional(),
  single: float32().optional(),
  double: float64().optional(),
  text: string().optional(),
  any: json().optional(),
  raw: bytes().optional(),
};
type Row = Record<string, unknown> & { readonly ts: number; readonly device: string; readonly slot: number };

const row = fc.record(
  {
    ts: fc.integer({ min: 0, max: 60 }),
    device: fc.constantFrom('a', 'b', 'ß'),
    slot: fc.constantFrom(-1, 7),
    flag: fc.boolean(),
    small: fc.integer(),
    large: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    single: fc.float({ noNaN: true }),
    double: fc.double({ noNaN: true }),
    text: fc.string(),
    any: fc.constantFrom(1, 'x', [1, { a: null }]),
    raw: fc.uint8Array({ maxLength: 9 }),
  },
  { requiredKeys: ['ts', 'device', 'slot'] },
) as unknown as fc.Arbitrary<Row>;

// biome-ignore lint/suspicious/noExplicitAny: columns of any type
type AnyBatch = Omit<ColumnBatch<object>, 'columns' | 'validity'> & { columns: any; validity: any };

function isValid(validity: Uint8Array | null, at: number): boolean {
  return validity === null || ((validity[at >> 3]! >> (at & 7)) & 1) === 1;
}

/** The rows of a batch, as `history` gives them, with their lsns. */
function rowsOf({ rows, columns, validity, lsns }: AnyBatch): { lsn: number; row: Record<string, unknown> }[] {
  return Array.from({ length: rows }, (_, at) => {
    const found: Record<string, unknown> = {};
    for (const [name, values] of Object.entries(columns as Record<string, { get?: (row: number) => unknown }>)) {
      if (!isValid(validity[name] ?? null, at)) continue;
      const value = values.get ? values.get(at) : (values as unknown as unknown[])[at];
      found[name] = name === 'flag' ? value === 1 : value;
    }
    return { lsn: lsns ? lsns[at]! : 0, row: found };
  });
}

const collected = <T>(source: Observable<ColumnBatch<T>>): Promise<AnyBatch[]> =>
  firstValueFrom(source.pipe(toArray())) as Promise<AnyBatch[]>;

describe('batches', () => {
  it('have the rows that history gives, column by column, each at its position', async () => {
    const query = fc.record(
      {
        from: fc.integer({ min: -5, max: 65 }),
        to: fc.integer({ min: -5, max: 65 }),
        where: fc.record(
          { device: fc.constantFrom('a', 'b', 'ß', 'none'), slot: fc.constantFrom(-1, 7) },
          { requiredKeys: [] },
        ),
        columns: fc.subarray(Object.keys(schema), { minLength: 1 }),
      },
      { requiredKeys: [] },
    );
    const plan = fc.record({
      parts: fc.array(fc.array(row, { minLength: 1, maxLength: 40 }), { minLength: 1, maxLength: 4 }),
      saved: fc.nat(4),
      queries: fc.array(query, { minLength: 1, maxLength: 5 }),
      vgroups: fc.constantFrom(1, 3),
      commitEventsMax: fc.constantFrom(5, 1_000),
    });
    await fc.assert(
      fc.asyncProperty(plan, async ({ parts, saved, queries, ...options }) => {
        const { mill, readings } = await startedMill(options, schema);
        for (const [at, part] of parts.entries()) {
          await readings.appendMany(part as never);
          if (at < saved) await mill.checkpoint();
        }
        for (const given of queries) {
          const query = given as Parameters<typeof readings.batches>[0];
          const rows: Record<string, unknown>[] = [];
          await readings.history(query).forEach((one) => void rows.push(one));
          const batches = await collected(readings.batches({ ...query, positions: true }));
          expect(batches.every((batch) => batch.rows > 0)).toBe(true);
          const found = batches.flatMap(rowsOf).sort((a, b) => a.lsn - b.lsn);
          expect(found.map(({ row }) => row)).toEqual(rows);
          expect(new Set(found.map(({ lsn }) => lsn)).size).toBe(rows.length);
          const without = await collected(readings.batches(query));
          expect(without.map(({ rows, lsns }) => [rows, lsns])).toEqual(batches.map(({ rows }) => [rows, null]));
        }
        await mill.close();
      }),
      { numRuns: 40 },
    );
  });

  it('have typed arrays of the types of their columns, and distinct values of keys', async () => {
    const { mill, readings } = await startedMill({}, schema);
    await readings.appendMany([
      {
        ts: 1,
        device: 'b',
        slot: 7,
        flag: true,
        small: 1,
        large: 1n,
        single: 0.5,
        double: 2,
        text: 'x',
        any: [],
        raw: new Uint8Array(2),
      },
      { ts: 2, device: 'a', slot: 7 },
      { ts: 3, device: 'b', slot: 7 },
    ]);
    await mill.checkpoint();
    const [batch, ...others] = await collected(readings.batches());
    expect(others).toEqual([]);
    const { columns, validity } = batch! as ColumnBatch<Required<RowOf<typeof schema>>>;
    expect(columns.ts).toBeInstanceOf(Float64Array);
    expect(columns.slot).toBeInstanceOf(Int32Array);
    expect(columns.flag).toBeInstanceOf(Uint8Array);
    expect(columns.small).toBeInstanceOf(Int32Array);
    expect(columns.large).toBeInstanceOf(BigInt64Array);
    expect(columns.single).toBeInstanceOf(Float32Array);
    expect(columns.double).toBeInstanceOf(Float64Array);
    expect([...columns.slot]).toEqual([7, 7, 7]);
    // Inside a batch rows are sorted by key.
    expect([...columns.ts]).toEqual([2, 1, 3]);
    const { values, indexes } = columns.device.distinct!;
    expect(Array.from(indexes, (at) => values[at])).toEqual(['a', 'b', 'b']);
    expect(columns.text.distinct).toBeNull();
    expect([0, 1, 2].map((at) => columns.text.get(at))).toEqual([undefined, 'x', undefined]);
    expect(validity.ts).toBeNull();
    expect([...validity.small!]).toEqual([0b010]);
  });

  it('are none where nothing is wanted, and in an empty stream', async () => {
    const { mill, readings } = await startedMill();
    expect(await collected(readings.batches())).toEqual([]);
    await readings.appendMany(readingsOf(10));
    await mill.checkpoint();
    expect(await collected(readings.batches({ from: reading(10).ts }))).toEqual([]);
    expect(await collected(readings.batches({ where: { device: 'none' } }))).toEqual([]);
  });

  it('of rows before a column was added say that they have no value of it', async () => {
    const storage = new SimulatedStorage();
    const first = await startedMill({ storage });
    await first.readings.appendMany(readingsOf(3));
    await first.mill.close();
    const wider = { ...readingSchema, weight: float64().optional(), note: string().optional() };
    const { readings } = await startedMill({ storage }, wider);
    await readings.append({ ...reading(3), weight: 5, note: 'n' });
    const batches = await collected(readings.batches({ columns: ['weight', 'note'] }));
    expect(batches.flatMap(rowsOf).map(({ row }) => row)).toEqual([{}, {}, {}, { weight: 5, note: 'n' }]);
    expect(batches[0]!.columns.weight).toHaveLength(3);
  });

  it('end when the signal says so', async () => {
    const { mill, readings } = await startedMill({ commitEventsMax: 10 });
    await readings.appendMany(readingsOf(100));
    const control = new AbortController();
    let count = 0;
    await readings.batches({ signal: control.signal }).forEach(() => {
      if (++count === 3) control.abort();
    });
    expect(count).toBe(3);
    expect(await collected(readings.batches({ signal: control.signal }))).toEqual([]);
    expect((mill as unknown as { closeCallbacks: Set<unknown> }).closeCallbacks.size).toBe(0);
  });

  it('are refused what history is refused', async () => {
    const { readings } = await startedMill();
    expect(() => readings.batches({ columns: ['nope' as 'ts'] })).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    );
    expect(() => readings.batches({ from: Number.NaN })).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });
});
