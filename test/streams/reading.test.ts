import { firstValueFrom, lastValueFrom, take as takeFirst, toArray } from 'rxjs';
import { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import {
  asynchronousDisk,
  failure,
  newMill,
  type ReadingRow,
  reading,
  readingSchema,
  readingsOf,
  startedMill,
  take,
  tick,
  turningDisk,
  watch,
} from '../support/stream-mills.js';

describe('a reading', () => {
  it.each([1, 4, 63])("from 'earliest' gives history, then what comes, in order, with %i VGroups", async (vgroups) => {
    const { readings } = await startedMill({ vgroups, storage: asynchronousDisk(), commitEventsMax: 7 });
    await readings.appendMany(readingsOf(50));
    const seen = watch(readings.from('earliest'));
    await readings.appendMany(readingsOf(50, 50));
    await tick();
    expect(seen).toMatchObject({ state: 'open', values: readingsOf(100) });
  });

  it('from an lsn begins with the first event that has it or a higher one', async () => {
    const mill = newMill({ commitEventsMax: 4 });
    const readings = mill.stream('readings', { schema: readingSchema });
    const others = mill.stream('others', { schema: readingSchema });
    await mill.start();
    const lsns: number[] = [];
    for (let n = 0; n < 20; n++) {
      lsns.push((await readings.append(reading(n))).lsn);
      await others.append(reading(n));
    }
    for (const [n, lsn] of lsns.entries()) {
      expect((await take(readings.records(lsn), 1))[0]).toMatchObject({ lsn, event: reading(n) });
      // The next lsn is an event of the other stream.
      if (n < 19) expect(await take(readings.from(lsn + 1), 1)).toEqual([reading(n + 1)]);
    }
    expect(await take(readings.from(0), 20)).toEqual(readingsOf(20));
  });

  it('from an lsn that is not given yet waits for it', async () => {
    const { readings } = await startedMill();
    const seen = watch(readings.from(4));
    await readings.appendMany(readingsOf(6));
    expect(seen.values).toEqual(readingsOf(3, 3));
  });

  it("from 'latest' begins with the next event", async () => {
    const { readings } = await startedMill({ storage: asynchronousDisk() });
    await readings.appendMany(readingsOf(5));
    const seen = watch(readings.from('latest'));
    await readings.appendMany(readingsOf(5, 5));
    await tick();
    expect(seen.values).toEqual(readingsOf(5, 5));
  });

  it('begins where it was told, when it is subscribed: each subscription anew', async () => {
    const { readings } = await startedMill();
    const earliest = readings.from('earliest');
    const latest = readings.from('latest');
    await readings.appendMany(readingsOf(2));
    expect(await lastValueFrom(earliest.pipe(takeFirst(2), toArray()))).toEqual(readingsOf(2));
    expect(await lastValueFrom(earliest.pipe(takeFirst(2), toArray()))).toEqual(readingsOf(2));
    expect(watch(latest).values).toEqual([]);
  });

  it('goes over closes and starts, and over what was appended before the last crash', async () => {
    let storage = new SimulatedStorage();
    const all: ReadingRow[] = [];
    for (let round = 0; round < 4; round++) {
      const { mill, readings } = await startedMill({ storage, commitEventsMax: 5 });
      await readings.appendMany(readingsOf(10, round * 10));
      all.push(...readingsOf(10, round * 10));
      expect(await take(readings.from('earliest'), all.length)).toEqual(all);
      if (round % 2 === 0) await mill.close();
      else storage = storage.crash();
    }
  });

  it('reads a log of many megabytes, also from its middle', async () => {
    const { mill, readings } = await startedMill({ storage: asynchronousDisk(), commitEventsMax: 500 });
    const rows = readingsOf(8_000).map((row) => ({ ...row, device: `${row.device} ${'x'.repeat(500)} ${row.value}` }));
    const { firstLsn } = await readings.appendMany(rows);
    expect(mill.metrics().logBytes).toBeGreaterThan(4_000_000);
    for (const from of [0, 1, 4_321, 7_999]) {
      expect(await take(readings.from(firstLsn + from), 1)).toEqual([rows[from]]);
    }
    expect(await take(readings.from(firstLsn + 7_000), 1_000)).toEqual(rows.slice(7_000));
  });

  it('that is unsubscribed reads no further', async () => {
    const storage = asynchronousDisk();
    const { readings } = await startedMill({ storage, commitEventsMax: 2 });
    await readings.appendMany(readingsOf(100));
    expect(await firstValueFrom(readings.from('earliest'))).toEqual(reading(0));
    await tick();
    const { operations } = storage;
    await tick();
    expect(storage.operations).toBe(operations);
  });
});

describe('a reading ends', () => {
  it('when the mill closes, after what was appended', async () => {
    const { mill, readings } = await startedMill({ storage: asynchronousDisk() });
    const seen = watch(readings.from('earliest'));
    await tick();
    void readings.appendMany(readingsOf(3));
    await mill.close();
    expect(seen).toMatchObject({ state: 'completed', values: readingsOf(3) });
  });

  it('well, not with an error, also when the mill closes while it is still in history', async () => {
    const { mill, readings } = await startedMill({ storage: turningDisk(), commitEventsMax: 5 });
    await readings.appendMany(readingsOf(2_000).map((row) => ({ ...row, device: 'x'.repeat(2_000) + row.value })));
    const seen = watch(readings.from('earliest'));
    const appended = readings.appendMany(readingsOf(200, 2_000));
    await tick();
    expect(seen.values.length).toBeLessThan(2_200);
    await mill.close();
    expect(await appended).toMatchObject({ count: 200 });
    expect(seen).toMatchObject({ state: 'completed', error: undefined });
    expect(seen.values.map(({ value }) => value)).toEqual(Array.from(seen.values, (_, n) => n));
  });

  it('when its signal is aborted: an Observable completes', async () => {
    const { readings } = await startedMill({ storage: asynchronousDisk() });
    const controller = new AbortController();
    const seen = watch(readings.from('earliest', { signal: controller.signal }));
    await readings.appendMany(readingsOf(3));
    await tick();
    controller.abort();
    await readings.append(reading(3));
    expect(seen).toMatchObject({ state: 'completed', values: readingsOf(3) });
  });

  it('before it begins when its signal is aborted already', async () => {
    const { readings } = await startedMill();
    await readings.append(reading(1));
    expect(watch(readings.from('earliest', { signal: AbortSignal.abort() }))).toMatchObject({
      state: 'completed',
      values: [],
    });
  });

  it('not, whatever the level: what the log does not have is in memory', async () => {
    const { mill, readings } = await startedMill({ walLevel: 'off' });
    const { lsn } = await readings.append(reading(1));
    for (const checkpoint of [() => Promise.resolve(), () => mill.checkpoint()]) {
      await checkpoint();
      for (const position of ['earliest', lsn, 0] as const)
        expect(await firstValueFrom(readings.from(position))).toEqual(reading(1));
    }
    const seen = [watch(readings.from('latest')), watch(readings.from(lsn + 1)), watch(readings.records('latest'))];
    await readings.append(reading(2));
    expect(seen.map(({ values }) => values.length)).toEqual([1, 1, 1]);
  });

  it('not where the log is damaged under a mill that runs: nobody reads it', async () => {
    const storage = asynchronousDisk();
    const { readings } = await startedMill({ storage, commitEventsMax: 5 });
    await readings.appendMany(readingsOf(100));
    storage.flip('/mill/vgroup-00/current.wal', 2_000);
    expect(await take(readings.from('earliest'), 100)).toEqual(readingsOf(100));
  });

  it('with CORRUPT_SEGMENT, for it alone, when a segment is damaged under a mill that runs', async () => {
    const storage = asynchronousDisk();
    const { mill, readings } = await startedMill({ storage });
    await readings.appendMany(readingsOf(100));
    await mill.checkpoint();
    const live = watch(readings);
    const [path] = storage.paths().filter((name) => name.endsWith('.arrow'));
    storage.flip(path!, 1_500);
    const seen = watch(readings.from('earliest'));
    while (seen.state === 'open') await tick();
    expect(seen).toMatchObject({ values: [], error: { name: 'MillraceError', code: 'CORRUPT_SEGMENT', path } });
    await readings.append(reading(100));
    expect(live).toMatchObject({ state: 'open', values: [reading(100)] });
    expect(await failure(take(readings.from('earliest'), 101))).toMatchObject({ code: 'CORRUPT_SEGMENT' });
    expect(await take(readings.from(101), 1)).toEqual([reading(100)]);
    await mill.close();
  });

  it('with an IO error, for it alone, when the disk cannot read', async () => {
    const storage = asynchronousDisk();
    const { mill, readings } = await startedMill({ storage });
    await readings.appendMany(readingsOf(3));
    await mill.checkpoint();
    storage.failAt({ operation: 'read', nth: 1, code: 'EIO' });
    expect(await failure(take(readings.from('earliest'), 3))).toMatchObject({ name: 'MillraceError', code: 'IO' });
    expect(await take(readings.from('earliest'), 3)).toEqual(readingsOf(3));
  });
});
