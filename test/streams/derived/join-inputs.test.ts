import { filter, map, merge } from 'rxjs';
import {
  asOfJoin,
  count,
  float64,
  fold,
  key,
  lookupJoin,
  type Millrace,
  string,
  timestamp,
  tumbling,
  windowed,
} from '../../../src/index.js';
import { SimulatedStorage } from '../../../src/storage/simulated-storage.js';
import { openDerived, recordsOf } from '../../support/derived-mills.js';

const readingSchema = { ts: timestamp(), device: key(string()), value: float64() };
const rowSchema = { ...readingSchema, limit: float64().optional() };

/** Two streams whose event times have other names. */
const declareSources = (mill: Millrace) => ({
  readings: mill.stream('readings', { schema: readingSchema }),
  limits: mill.stream('limits', { schema: { at: timestamp(), id: key(string()), limit: float64() } }),
});

const start = async <D extends object>(declare: (mill: Millrace) => D) => {
  const opened = await openDerived(new SimulatedStorage({ seed: 1 }), declare);
  await opened.settled(opened.mill.start());
  return opened;
};

const valuesOf = async (stream: Parameters<typeof recordsOf>[0], opened: Parameters<typeof recordsOf>[1]) =>
  (await recordsOf(stream as never, opened)).map(({ event }) => event as { value: number; limit?: number });

describe('each part of a pipeline with a join', () => {
  it('has the event time of its own streams', async () => {
    const opened = await start((mill) => {
      const { readings, limits } = declareSources(mill);
      const table = mill.table('known', {
        key: 'id',
        from: limits.pipe(
          fold({ by: 'id', ttl: '10s', init: () => ({ limit: 0 }), add: (_, { limit }) => ({ limit }) }),
        ),
      });
      const perWindow = mill.table('windows', {
        key: 'id',
        from: limits.pipe(windowed(tumbling('1s'), { by: 'id', aggregate: { n: count() } })),
      });
      const from = readings.pipe(
        asOfJoin(limits, {
          by: 'device',
          rightBy: 'id',
          tolerance: 500,
          select: (row, limit) => ({ ...row, limit: limit?.limit }),
        }),
        lookupJoin(table, {
          by: 'device',
          select: (row, known) => ({ ...row, limit: (row.limit ?? 0) + (known?.limit ?? 0) }),
        }),
        lookupJoin(perWindow, { by: 'device', select: (row, window) => ({ ...row, value: window?.n ?? 0 }) }),
      );
      return { readings, limits, rows: mill.stream('rows', { from, schema: rowSchema }) };
    });
    const { readings, limits, rows, settled } = opened;
    await settled(limits.append({ at: 1_000, id: 'a', limit: 5 }));
    await settled(limits.append({ at: 1_100, id: 'a', limit: 6 }));
    await settled(readings.append({ ts: 1_200, device: 'a', value: 0 }));
    await settled(limits.append({ at: 2_000, id: 'b', limit: 7 }));
    await settled(readings.append({ ts: 2_000, device: 'a', value: 0 }));
    const found = await valuesOf(rows as never, opened as never);
    expect(found.map(({ value, limit }) => [value, limit])).toEqual([
      [0, 12],
      [2, 6],
    ]);
  });

  it('waits for all inputs of the window of a table', async () => {
    const schema = { ts: timestamp(), id: key(string()) };
    const opened = await start((mill) => {
      const { readings } = declareSources(mill);
      const [p, q] = [mill.stream('p', { schema }), mill.stream('q', { schema })];
      const counts = mill.table('counts', {
        key: 'id',
        from: merge(p, q).pipe(windowed(tumbling('1s'), { by: 'id', idle: 'never', aggregate: { n: count() } })),
      });
      const from = readings.pipe(
        lookupJoin(counts, { by: 'device', select: (row, known) => ({ ...row, limit: known?.n }) }),
      );
      return { readings, p, q, rows: mill.stream('rows', { from, schema: rowSchema }) };
    });
    const { readings, p, q, rows, settled } = opened;
    await settled(p.append({ ts: 500, id: 'a' }));
    await settled(p.append({ ts: 5_000, id: 'a' }));
    await settled(readings.append({ ts: 6_000, device: 'a', value: 0 }));
    await settled(q.append({ ts: 6_000, id: 'b' }));
    await settled(readings.append({ ts: 7_000, device: 'a', value: 0 }));
    const found = await valuesOf(rows as never, opened as never);
    expect(found.map(({ limit }) => limit)).toEqual([undefined, 1]);
  });

  it('goes on after an event at which the pipeline throws', async () => {
    const opened = await start((mill) => {
      const { readings } = declareSources(mill);
      const high = mill.table('high', { key: 'device', from: readings.pipe(filter(({ value }) => value > 10)) });
      const from = readings.pipe(
        lookupJoin(high, { by: 'device', select: (row, top) => ({ ...row, limit: top?.value }) }),
        map((row) => {
          if (row.value === 13) throw new Error('13');
          return row;
        }),
      );
      return { readings, rows: mill.stream('rows', { from, schema: rowSchema, onError: 'deadLetter' }) };
    });
    const { readings, rows, settled } = opened;
    for (const value of [1, 11, 13, 2, 20, 3]) await settled(readings.append({ ts: value, device: 'a', value }));
    const found = await valuesOf(rows as never, opened as never);
    expect(found.map(({ value, limit }) => [value, limit])).toEqual([
      [1, undefined],
      [11, 11],
      [2, 13],
      [20, 20],
      [3, 20],
    ]);
    expect(await recordsOf(rows.deadLetters!, opened as never)).toHaveLength(1);
  });
});

it('a table that is asked outside of pipelines has its rows as they are now', async () => {
  const opened = await start((mill) => {
    const { readings } = declareSources(mill);
    return { readings, last: mill.table('last', { key: 'device', from: readings }) };
  });
  const { readings, last, settled } = opened;
  const seen: unknown[] = [];
  readings
    .pipe(lookupJoin(last, { by: 'device', join: 'inner', select: ({ value }, row) => [value, row.value] }))
    .subscribe((row) => seen.push(row));
  await settled(readings.append({ ts: 1, device: 'a', value: 1 }));
  await settled(readings.append({ ts: 2, device: 'a', value: 2 }));
  expect(seen).toEqual([
    [1, 1],
    [2, 2],
  ]);
});
