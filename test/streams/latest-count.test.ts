import fc from 'fast-check';
import { float64, int32, key, string, timestamp } from '../../src/index.js';
import { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import { failure, newMill, reading, readingSchema, readingsOf, startedMill } from '../support/stream-mills.js';

const schema = { ts: timestamp(), device: key(string()), slot: key(int32()), value: float64() };

describe('latest and count', () => {
  it('are those of what was appended, before and after checkpoints and restarts', async () => {
    const row = fc.record({
      ts: fc.nat(50),
      device: fc.constantFrom('a', 'b', 'c'),
      slot: fc.constantFrom(0, 1),
      value: fc.nat(),
    });
    const plan = fc.record({
      parts: fc.array(fc.tuple(fc.array(row, { maxLength: 20 }), fc.constantFrom('nothing', 'checkpoint', 'restart'))),
      vgroups: fc.constantFrom(1, 4),
    });
    await fc.assert(
      fc.asyncProperty(plan, async ({ parts, vgroups }) => {
        const storage = new SimulatedStorage();
        let { mill, readings } = await startedMill({ storage, vgroups }, schema);
        const rows: { ts: number; device: string; slot: number; value: number }[] = [];
        for (const [part, then] of parts) {
          await readings.appendMany(part);
          rows.push(...part);
          if (then === 'checkpoint') await mill.checkpoint();
          if (then === 'restart') {
            await mill.close();
            ({ mill, readings } = await startedMill({ storage, vgroups }, schema));
          }
          expect(await readings.count()).toBe(rows.length);
          for (const device of ['a', 'b', 'c', 'none'])
            for (const slot of [0, 1]) {
              const last = rows.findLast((one) => one.device === device && one.slot === slot);
              expect(await readings.latest({ device, slot })).toEqual(last);
            }
        }
        await mill.close();
      }),
      { numRuns: 40 },
    );
  });

  it('takes the value of the only key, or an object', async () => {
    const { readings } = await startedMill();
    await readings.appendMany(readingsOf(20));
    expect(await readings.latest('d3')).toEqual(reading(17));
    expect(await readings.latest({ device: 'd3' })).toEqual(reading(17));
    expect(await readings.latest('none')).toBeUndefined();
  });

  it('is the last by position, not by time', async () => {
    const { readings } = await startedMill();
    await readings.append({ ts: 2, device: 'a', value: 1 });
    await readings.append({ ts: 1, device: 'a', value: 2 });
    expect(await readings.latest('a')).toEqual({ ts: 1, device: 'a', value: 2 });
  });

  it('of a stream without keys is its last event', async () => {
    const { mill, readings } = await startedMill({}, { ts: timestamp(), value: float64() });
    expect(await readings.latest({})).toBeUndefined();
    await readings.appendMany([1, 2, 3].map((value) => ({ ts: value, value })));
    await mill.checkpoint();
    expect(await readings.latest({})).toEqual({ ts: 3, value: 3 });
  });

  it.each<[string, unknown, string]>([
    ['no key', undefined, 'INVALID_ARGUMENT'],
    ['null', null, 'SCHEMA'],
    ['an empty object', {}, 'INVALID_ARGUMENT'],
    ['a key of another type', 5, 'SCHEMA'],
    ['a column that is no key', { device: 'a', value: 1 }, 'INVALID_ARGUMENT'],
  ])('is refused for %s', async (_, given, code) => {
    const { readings } = await startedMill();
    expect(await failure(readings.latest(given))).toMatchObject({ code, stream: 'readings' });
  });

  it('is refused where a key column is missing', async () => {
    const { readings } = await startedMill({}, schema);
    const message = 'Reading stream "readings": latest needs a value for every key column (device, slot)';
    for (const given of ['a', { device: 'a' }, { slot: 1 }])
      expect((await failure(readings.latest(given))).message).toContain(message);
  });

  it('counts each stream by itself', async () => {
    const mill = newMill({ vgroups: 3 });
    const streams = ['a', 'b'].map((name) => mill.stream(name, { schema: readingSchema }));
    await mill.start();
    await Promise.all(streams.map((stream, at) => stream.appendMany(readingsOf(10 + at))));
    await mill.checkpoint();
    await Promise.all(streams.map((stream) => stream.appendMany(readingsOf(5))));
    expect(await Promise.all(streams.map((stream) => stream.count()))).toEqual([15, 16]);
  });
});
