import fc from 'fast-check';
import { failure, reading, readingsOf, startedMill, take, thrown, tick, watch } from '../support/stream-mills.js';

const at = (n: number) => new Date(reading(n).ts);

describe('reading from a date', () => {
  it('begins with the first event, by position, that is not before it, and goes on by position', async () => {
    const plan = fc.record({
      times: fc.array(fc.nat(30), { minLength: 1, maxLength: 60 }),
      saved: fc.nat(60),
      from: fc.integer({ min: -2, max: 32 }),
      vgroups: fc.constantFrom(1, 3),
    });
    await fc.assert(
      fc.asyncProperty(plan, async ({ times, saved, from, vgroups }) => {
        const { mill, readings } = await startedMill({ vgroups, commitEventsMax: 9 });
        const rows = times.map((ts, n) => ({ ts, device: `d${n % 5}`, value: n }));
        await readings.appendMany(rows.slice(0, saved));
        await mill.checkpoint();
        await readings.appendMany(rows.slice(saved));
        const first = rows.findIndex(({ ts }) => ts >= from);
        const seen = watch(readings.from(new Date(from)));
        await tick();
        const late = { ts: -100, device: 'late', value: -1 };
        await readings.append(late);
        // Once it has begun, what comes live is there whatever its time.
        const expected = first < 0 ? [] : [...rows.slice(first), late];
        // A reader that had the processor for long gives way.
        while (seen.values.length < expected.length) await tick();
        expect(seen.values).toEqual(expected);
        await mill.close();
      }),
      { numRuns: 40 },
    );
  });

  it('is the same as an async iteration, and with positions', async () => {
    const { mill, readings } = await startedMill();
    await readings.appendMany(readingsOf(20));
    await mill.checkpoint();
    await readings.appendMany(readingsOf(20, 20));
    expect(await take(readings.from(at(15)), 25)).toEqual(readingsOf(25, 15));
    const [first] = await take(readings.records(at(30)), 1);
    expect(first).toEqual({ lsn: 31, index: 0, event: reading(30) });
  });

  it('that is to come begins with the first event that is not before it', async () => {
    const { readings } = await startedMill();
    await readings.appendMany(readingsOf(5));
    const seen = watch(readings.from(at(1_000)));
    await readings.append(reading(5));
    expect(seen.values).toEqual([]);
    await readings.appendMany([reading(999), reading(1_000), reading(6)]);
    expect(seen.values).toEqual([reading(1_000), reading(6)]);
  });

  it('that is none is refused', async () => {
    const { readings } = await startedMill();
    for (const position of [new Date(Number.NaN), '2024-01-01', null, -1, 1.5, Number.NaN])
      expect(thrown(() => readings.from(position as never))).toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  it('ends where the disk cannot read, for it alone', async () => {
    const { mill, readings } = await startedMill();
    await readings.appendMany(readingsOf(5));
    await mill.checkpoint();
    const storage = (mill as unknown as { options: { storage: { failAt(fault: object): void } } }).options.storage;
    storage.failAt({ operation: 'read', path: /arrow$/, nth: 1, code: 'EIO' });
    expect(await failure(take(readings.from(at(2)), 3))).toMatchObject({ code: 'IO' });
    expect(await take(readings.from(at(2)), 3)).toEqual(readingsOf(3, 2));
  });
});
