import { config, filter, firstValueFrom, map } from 'rxjs';
import { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import {
  asynchronousDisk,
  newMill,
  reading,
  readingSchema,
  readingsOf,
  startedMill,
  take,
  watch,
} from '../support/stream-mills.js';

describe('a subscriber of a stream', () => {
  it('sees what is committed after start, not what was there before', async () => {
    const storage = new SimulatedStorage();
    const { mill, readings } = await startedMill({ storage });
    await readings.appendMany(readingsOf(3));
    await mill.close();
    const again = newMill({ storage });
    const stream = again.stream('readings', { schema: readingSchema });
    const seen = watch(stream);
    await again.start();
    expect(seen.values).toEqual([]);
    await stream.append(reading(3));
    expect(seen.values).toEqual([reading(3)]);
  });

  it('sees what is committed after it subscribed, for as long as it is subscribed', async () => {
    const { readings } = await startedMill();
    await readings.append(reading(1));
    const seen: number[] = [];
    const subscription = readings.subscribe(({ value }) => seen.push(value));
    await readings.append(reading(2));
    subscription.unsubscribe();
    await readings.append(reading(3));
    expect(seen).toEqual([2]);
  });

  it.each([1, 4])('sees events in the order of their lsns, over commits and %i VGroups', async (vgroups) => {
    const { readings } = await startedMill({ vgroups, storage: asynchronousDisk(), commitEventsMax: 13 });
    const lsns: number[] = [];
    const values: number[] = [];
    readings.records().subscribe(({ lsn, event }) => {
      lsns.push(lsn);
      values.push(event.value);
    });
    await Promise.all(readingsOf(200).map((row) => readings.append(row)));
    expect(values).toEqual(Array.from({ length: 200 }, (_, n) => n));
    expect(lsns).toEqual(lsns.toSorted((a, b) => a - b));
    expect(new Set(lsns).size).toBe(200);
  });

  it('sees events of two streams in the order of their lsns', async () => {
    const mill = newMill({ vgroups: 4, storage: asynchronousDisk(), commitEventsMax: 10 });
    const [left, right] = ['left', 'right'].map((name) => mill.stream(name, { schema: readingSchema }));
    const lsns: number[] = [];
    for (const stream of [right!, left!]) stream.records().subscribe(({ lsn }) => lsns.push(lsn));
    await mill.start();
    await Promise.all(readingsOf(100).map((row, n) => (n % 3 === 0 ? left! : right!).append(row)));
    expect(lsns).toEqual(Array.from({ length: 100 }, (_, n) => n + 1));
  });

  it('is an RxJS subscriber: operators work as on any Observable', async () => {
    const { readings } = await startedMill();
    const first = firstValueFrom(
      readings.pipe(
        filter(({ value }) => value > 1),
        map(({ value }) => value * 10),
      ),
    );
    await readings.appendMany(readingsOf(4));
    expect(await first).toBe(20);
  });

  it('completes when the mill closes, after everything that was appended', async () => {
    const { mill, readings } = await startedMill({ storage: asynchronousDisk() });
    const live = watch(readings);
    const records = watch(readings.records());
    void readings.append(reading(1));
    await mill.close();
    expect(live).toMatchObject({ state: 'completed', values: [reading(1)] });
    expect(records.state).toBe('completed');
  });
});

describe('records()', () => {
  it('says where an event stands, live as in history', async () => {
    const { mill, readings } = await startedMill();
    const seen = watch(readings.records());
    await readings.appendMany(readingsOf(2));
    const { lsn } = await readings.append(reading(2));
    expect(seen.values).toEqual([
      { lsn: 1, index: 0, event: reading(0) },
      { lsn: 2, index: 0, event: reading(1) },
      { lsn, index: 0, event: reading(2) },
    ]);
    expect(await take(readings.records('earliest'), 3)).toEqual(seen.values);
    await mill.checkpoint();
    expect(await take(readings.records('earliest'), 3)).toEqual(seen.values);
  });
});

describe('a subscriber that throws', () => {
  // RxJS reports in a timer of its own.
  const reported = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));
  const unhandled: unknown[] = [];
  beforeEach(() => {
    unhandled.length = 0;
    config.onUnhandledError = (error) => unhandled.push(error);
  });
  afterEach(() => {
    config.onUnhandledError = null;
  });

  it('is reported as RxJS reports it, and hurts neither the others, nor the log, nor itself', async () => {
    const { mill, readings } = await startedMill();
    const seen: string[] = [];
    readings.subscribe(({ value }) => seen.push(`before ${value}`));
    readings.subscribe(({ value }) => {
      seen.push(`thrower ${value}`);
      throw new Error(`at ${value}`);
    });
    readings.records().subscribe(() => {
      throw new Error('records');
    });
    readings.subscribe(({ value }) => seen.push(`after ${value}`));
    expect(await readings.appendMany(readingsOf(2))).toMatchObject({ count: 2 });
    await readings.append(reading(2));
    const expected = [0, 1, 2].flatMap((n) => [`before ${n}`, `thrower ${n}`, `after ${n}`]);
    expect(seen).toEqual(expected);
    await reported();
    expect(unhandled.map((error) => (error as Error).message)).toEqual(
      [0, 1, 2].flatMap((n) => [`at ${n}`, 'records']),
    );
    await mill.close();
  });

  it('in an operator ends that subscription alone', async () => {
    const { readings } = await startedMill();
    const broken = watch(
      readings.pipe(
        map(({ value }) => {
          if (value === 1) throw new Error('broken');
          return value;
        }),
      ),
    );
    const other = watch(readings);
    await readings.appendMany(readingsOf(3));
    expect(broken).toMatchObject({ state: 'failed', values: [0] });
    expect(other.values).toHaveLength(3);
  });

  it('when it is told of the end does not keep the mill open', async () => {
    const storage = new SimulatedStorage();
    const { mill, readings } = await startedMill({ storage });
    readings.subscribe({
      complete: () => {
        throw new Error('at the end');
      },
    });
    const other = watch(readings);
    await mill.close();
    expect(other.state).toBe('completed');
    await newMill({ storage }).start();
    await reported();
    expect(unhandled).toHaveLength(1);
  });
});
