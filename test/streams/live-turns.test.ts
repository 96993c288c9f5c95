import type { Subscription } from 'rxjs';
import { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import { asynchronousDisk, type ReadingRow, reading, readingsOf, startedMill, tick } from '../support/stream-mills.js';

describe('inside its turn, a subscriber', () => {
  it.each([
    ['on a disk that completes at once', () => new SimulatedStorage()],
    ['on a disk that does not', asynchronousDisk],
  ])('may append: that goes into a later commit, and apply is never re-entered, %s', async (_, disk) => {
    for (const commitEventsMax of [1, 2, 100]) {
      const { mill, readings } = await startedMill({ storage: disk(), commitEventsMax });
      const log: string[] = [];
      const commits: number[] = [];
      readings.records().subscribe(({ event }) => {
        log.push(`begin ${event.value}`);
        commits[event.value] = mill.metrics().commit;
        if (event.value < 20) void readings.append(reading(event.value + 10));
        log.push(`end ${event.value}`);
      });
      await readings.appendMany(readingsOf(10));
      while (log.length < 60) await tick();
      const begun = log.filter((_line, at) => at % 2 === 0).map((line) => line.split(' ')[1]);
      expect(log).toEqual(begun.flatMap((n) => [`begin ${n}`, `end ${n}`]));
      expect(new Set(begun).size).toBe(30);
      for (let n = 0; n < 20; n++) expect(commits[n + 10]).toBeGreaterThan(commits[n]!);
      await mill.close();
    }
  });

  it('may subscribe another one, which sees what comes after the turn', async () => {
    const { readings } = await startedMill();
    const late: number[] = [];
    let isSubscribed = false;
    readings.subscribe(() => {
      if (!isSubscribed) readings.subscribe(({ value }) => late.push(value));
      isSubscribed = true;
    });
    await readings.appendMany(readingsOf(3));
    expect(late).toEqual([1, 2]);
  });

  it('may unsubscribe itself and others', async () => {
    const { readings } = await startedMill();
    const seen: string[] = [];
    const others: Subscription[] = [];
    const self = readings.subscribe(({ value }) => {
      seen.push(`first ${value}`);
      if (value === 1) self.unsubscribe();
      if (value === 1) others[0]!.unsubscribe();
    });
    others.push(readings.subscribe(({ value }) => seen.push(`second ${value}`)));
    readings.subscribe(({ value }) => seen.push(`third ${value}`));
    await readings.appendMany(readingsOf(3));
    expect(seen).toEqual(['first 0', 'second 0', 'third 0', 'first 1', 'third 1', 'third 2']);
  });

  it('may start reading from a position: history and the rest of the commit, once each', async () => {
    const { readings } = await startedMill();
    const seen: ReadingRow[] = [];
    let isReading = false;
    readings.subscribe(({ value }) => {
      if (value === 4 && !isReading) readings.from('earliest').subscribe((row) => seen.push(row));
      isReading ||= value === 4;
    });
    await readings.appendMany(readingsOf(3));
    await readings.appendMany(readingsOf(5, 3));
    await readings.append(reading(8));
    await tick();
    expect(seen).toEqual(readingsOf(9));
  });

  it("may read from 'latest': what comes after the turn, of this commit too, and nothing before", async () => {
    const { readings } = await startedMill();
    const seen: ReadingRow[] = [];
    let isReading = false;
    readings.subscribe(({ value }) => {
      if (value === 1 && !isReading) readings.from('latest').subscribe((row) => seen.push(row));
      isReading ||= value === 1;
    });
    await readings.appendMany(readingsOf(3));
    await readings.append(reading(3));
    expect(seen).toEqual(readingsOf(2, 2));
  });

  it('may close the mill: the commit is applied to its end', async () => {
    const { mill, readings } = await startedMill();
    const seen: number[] = [];
    let closed: Promise<void> | undefined;
    readings.subscribe(({ value }) => {
      seen.push(value);
      closed ??= mill.close();
    });
    expect(await readings.appendMany(readingsOf(3))).toMatchObject({ count: 3 });
    await closed;
    expect(seen).toEqual([0, 1, 2]);
  });
});
