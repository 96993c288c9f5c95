import fc from 'fast-check';
import type { Position } from '../../src/index.js';
import { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import { asynchronousDisk, reading, readingsOf, startedMill, tick, turningDisk } from '../support/stream-mills.js';

type Step =
  | { do: 'append'; count: number }
  | { do: 'checkpoint' | 'turn' }
  | { do: 'read'; from: Position; pause: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('append' as const), count: fc.oneof(fc.nat(20), fc.integer({ min: 500, max: 2_000 })) }),
  fc.record({ do: fc.constantFrom('checkpoint' as const, 'checkpoint' as const, 'turn' as const) }),
  fc.record({
    do: fc.constant('read' as const),
    from: fc.oneof(fc.constant<Position>('earliest'), fc.nat(2_000)),
    pause: fc.constantFrom(0, 1, 50, 400),
  }),
);

/** Reads, with a turn of the event loop after every so many rows. */
function reader(source: AsyncIterable<{ readonly lsn: number }>, pause: number) {
  const lsns: number[] = [];
  const iterator = source[Symbol.asyncIterator]();
  void (async () => {
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
      lsns.push(next.value.lsn);
      if (pause > 0 && lsns.length % pause === 0) await tick();
    }
  })();
  return { lsns, stop: () => iterator.return!() };
}

describe('readers, slow and fast, while checkpoints and merges happen', () => {
  it('get every event once, in order', async () => {
    const plan = fc.record({
      steps: fc.array(step, { minLength: 5, maxLength: 25 }),
      vgroups: fc.constantFrom(1, 3),
      walLevel: fc.constantFrom('sync' as const, 'flush' as const, 'off' as const),
      commitEventsMax: fc.constantFrom(60, 1_000),
      disk: fc.constantFrom(() => new SimulatedStorage(), asynchronousDisk, turningDisk),
    });
    await fc.assert(
      fc.asyncProperty(plan, async ({ steps, disk, ...options }) => {
        const { mill, readings } = await startedMill({ ...options, storage: disk() });
        const readers: { from: number; got: number[]; stop: () => unknown }[] = [];
        const going: Promise<unknown>[] = [];
        let count = 0;
        for (const step of steps) {
          if (step.do === 'append') {
            going.push(readings.appendMany(readingsOf(step.count, count)));
            count += step.count;
          }
          if (step.do === 'checkpoint') going.push(mill.checkpoint());
          if (step.do === 'turn') await tick();
          if (step.do === 'read') {
            const { lsns, stop } = reader(readings.records(step.from), step.pause);
            readers.push({ from: step.from === 'earliest' ? 1 : Math.max(1, Number(step.from)), got: lsns, stop });
          }
        }
        await Promise.all(going);
        for (const { from, got, stop } of readers) {
          const wanted = Array.from({ length: Math.max(0, count + 1 - from) }, (_, n) => from + n);
          for (let turns = 0; got.length < wanted.length && turns < 20_000; turns++) await tick();
          await tick();
          expect(got).toEqual(wanted);
          await stop();
        }
        await mill.close();
      }),
      { numRuns: 30 },
    );
  }, 60_000);

  it('read on in a file that a merge has replaced', async () => {
    const storage = asynchronousDisk();
    const { mill, readings } = await startedMill({ storage });
    const iterator = readings.from('earliest')[Symbol.asyncIterator]();
    const rows: unknown[] = [];
    for (let part = 0; part < 8; part++) {
      await readings.appendMany(readingsOf(3_000, part * 3_000));
      await mill.checkpoint();
      for (let n = 0; n < 500; n++) rows.push((await iterator.next()).value);
    }
    while (mill.metrics().segments.count > 3) await tick();
    while (rows.length < 24_000) rows.push((await iterator.next()).value);
    expect(rows).toEqual(readingsOf(24_000));
    await iterator.return!();
    await mill.close();
    const files = storage.paths().filter((path) => path.endsWith('.arrow'));
    expect(files.length).toBeLessThanOrEqual(4);
  });

  it('that wait hold neither events nor files', async () => {
    const { mill, readings } = await startedMill({ commitEventsMax: 100 });
    const iterator = readings.from('latest')[Symbol.asyncIterator]();
    for (let part = 0; part < 6; part++) {
      await readings.appendMany(readingsOf(2_000, part * 2_000));
      await mill.checkpoint();
      expect(mill.metrics().unsavedBytes).toBe(0);
    }
    for (let n = 0; n < 12_000; n++) expect((await iterator.next()).value).toEqual(reading(n));
    await iterator.return!();
  });
});
