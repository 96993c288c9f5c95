import { float64, type Millrace, type Schema, string, timestamp } from '../../src/index.js';
import { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import { newMill, reading, readingSchema, readingsOf, startedMill, tick } from '../support/stream-mills.js';

/** The fingerprint of a new mill with these streams and rows, appended one stream after the other. */
async function fingerprintOf(
  streams: Record<string, { schema?: Schema; rows: readonly object[] }>,
  options: Parameters<typeof newMill>[0] & { positions?: boolean; checkpoint?: boolean } = {},
): Promise<string> {
  const { positions = true, checkpoint = false, ...rest } = options;
  const mill = newMill({ ...rest, storage: new SimulatedStorage() });
  const declared = Object.entries(streams).map(([name, { schema = readingSchema }]) => mill.stream(name, { schema }));
  await mill.start();
  for (const [at, { rows }] of Object.values(streams).entries()) await declared[at]!.appendMany(rows as never);
  if (checkpoint) await mill.checkpoint();
  const fingerprint = await mill.fingerprint({ positions });
  await mill.close();
  return fingerprint;
}

const ROWS = readingsOf(50);

describe('the fingerprint', () => {
  it('is 16 hexadecimal digits, also of nothing', async () => {
    const { mill } = await startedMill();
    expect(await mill.fingerprint()).toMatch(/^[0-9a-f]{16}$/);
    expect(await mill.fingerprint({ positions: false })).toBe(await mill.fingerprint());
  });

  it.each(['sync', 'off'] as const)('stays through checkpoints, merges and restarts, at level %s', async (walLevel) => {
    const storage = new SimulatedStorage();
    const opened = () => startedMill({ storage, vgroups: 3, walLevel });
    let { mill, readings } = await opened();
    for (let part = 0; part < 6; part++) {
      await readings.appendMany(readingsOf(300, part * 300));
      const before = [await mill.fingerprint(), await mill.fingerprint({ positions: false })];
      const same = async () => {
        expect([await mill.fingerprint(), await mill.fingerprint({ positions: false })]).toEqual(before);
      };
      await mill.checkpoint();
      await same();
      for (let turns = 0; turns < 20; turns++) await tick();
      await same();
      await mill.close();
      ({ mill, readings } = await opened());
      await same();
    }
    // They were merged: else there were six.
    expect(mill.metrics().segments.count).toBeLessThan(6);
  });

  it('is that of what is acknowledged, after a crash at level sync', async () => {
    const storage = new SimulatedStorage();
    const { mill, readings } = await startedMill({ storage, vgroups: 2 });
    await readings.appendMany(readingsOf(100));
    await mill.checkpoint();
    await readings.appendMany(readingsOf(100, 100));
    const before = await mill.fingerprint();
    const again = await startedMill({ storage: storage.crash() });
    expect(await again.mill.fingerprint()).toBe(before);
  });

  it('does not depend on VGroups, commits, level or checkpoints', async () => {
    const one = await fingerprintOf({ readings: { rows: ROWS } });
    for (const options of [
      { vgroups: 7 },
      { commitEventsMax: 3 },
      { walLevel: 'flush' as const },
      { walLevel: 'off' as const },
      { checkpoint: true },
      { checkpoint: true, vgroups: 4 },
    ])
      expect(await fingerprintOf({ readings: { rows: ROWS } }, options)).toBe(one);
  });

  it.each<[string, Record<string, { schema?: Schema; rows: readonly object[] }>]>([
    ['a value', { readings: { rows: ROWS.with(7, { ...ROWS[7]!, value: -7 }) } }],
    ['a time', { readings: { rows: ROWS.with(7, { ...ROWS[7]!, ts: 0 }) } }],
    ['a key', { readings: { rows: ROWS.with(7, { ...ROWS[7]!, device: 'other' }) } }],
    ['a row less', { readings: { rows: ROWS.slice(1) } }],
    ['a row twice', { readings: { rows: [...ROWS, ROWS[0]!] } }],
    ['the name', { other: { rows: ROWS } }],
    ['another stream', { readings: { rows: ROWS }, second: { rows: [] } }],
    ['a column more', { readings: { schema: { ...readingSchema, note: string().optional() }, rows: ROWS } }],
  ])('differs where %s differs', async (_, streams) => {
    for (const positions of [true, false])
      for (const checkpoint of [true, false]) {
        const one = await fingerprintOf({ readings: { rows: ROWS } }, { positions, checkpoint });
        expect(await fingerprintOf(streams, { positions, checkpoint })).not.toBe(one);
      }
  });

  it('differs with positions, and is equal without, where the order differs', async () => {
    const reversed = { readings: { rows: ROWS.toReversed() } };
    for (const checkpoint of [true, false]) {
      const given = { checkpoint };
      expect(await fingerprintOf(reversed, given)).not.toBe(await fingerprintOf({ readings: { rows: ROWS } }, given));
      const without = { checkpoint, positions: false };
      expect(await fingerprintOf(reversed, without)).toBe(await fingerprintOf({ readings: { rows: ROWS } }, without));
    }
  });

  it('without positions is equal over mills with other lsns', async () => {
    const streams = { a: { rows: ROWS }, b: { rows: readingsOf(9) } };
    const swapped = { b: { rows: readingsOf(9) }, a: { rows: ROWS } };
    expect(await fingerprintOf(swapped, { positions: false })).toBe(await fingerprintOf(streams, { positions: false }));
    expect(await fingerprintOf(swapped)).not.toBe(await fingerprintOf(streams));
  });

  it('tells missing values from zeros and empty texts', async () => {
    const schema = { ts: timestamp(), n: float64().optional(), s: string().optional() };
    const of = (row: object) => fingerprintOf({ s: { schema, rows: [{ ts: 1, ...row }] } });
    const found = [
      await of({}),
      await of({ n: 0 }),
      await of({ s: '' }),
      await of({ n: 0, s: '' }),
      await of({ n: -0 }),
    ];
    expect(new Set(found).size).toBe(found.length);
  });

  it('is of one moment, whatever is appended meanwhile', async () => {
    const { mill, readings } = await startedMill({ vgroups: 2 });
    await readings.appendMany(readingsOf(500));
    await mill.checkpoint();
    await readings.append(reading(500));
    const before = await mill.fingerprint();
    const during = mill.fingerprint();
    const appended = readings.appendMany(readingsOf(100, 501));
    const checkpointed = mill.checkpoint();
    expect(await during).toBe(before);
    await Promise.all([appended, checkpointed]);
    expect(await mill.fingerprint()).not.toBe(before);
  });

  it('is refused before start and after close', async () => {
    const mill: Millrace = newMill();
    await expect(mill.fingerprint()).rejects.toMatchObject({ code: 'NOT_STARTED' });
    await mill.start();
    await mill.close();
    await expect(mill.fingerprint()).rejects.toMatchObject({ code: 'CLOSED' });
  });
});
