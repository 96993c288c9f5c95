import { Subject } from 'rxjs';
import { bytes, SchemaError, timestamp } from '../../src/index.js';
import {
  asynchronousDisk,
  failure,
  newMill,
  reading,
  readingSchema,
  readingsOf,
  startedMill,
  tick,
} from '../support/stream-mills.js';

describe('an array that waits for room', () => {
  it('counts exactly what was written when its caller breaks an event meanwhile', async () => {
    const { mill, readings } = await startedMill({ storage: asynchronousDisk(), commitEventsMax: 2 });
    const events = readingsOf(6);
    const appended = readings.appendMany(events);
    (events[5] as { value: unknown }).value = 'bad';
    expect((await failure(appended)).message).toContain('5 events before it were written');
    await mill.close();
  });
});

describe('write()', () => {
  it('completes when the mill closes, once what it took is out', async () => {
    const { mill, readings } = await startedMill({ storage: asynchronousDisk() });
    const sensor$ = new Subject<ReturnType<typeof reading>>();
    const seen: unknown[] = [];
    sensor$.pipe(readings.write()).subscribe({
      next: ({ value }) => seen.push(value),
      complete: () => seen.push('complete'),
    });
    sensor$.next(reading(1));
    const closed = mill.close();
    sensor$.next(reading(2));
    await closed;
    expect(seen).toEqual([1, 'complete']);
    expect(sensor$.observed).toBe(false);
  });
});

describe("from('latest') inside a turn", () => {
  it.each(['sync', 'off'] as const)('goes on with the event after that turn, at level %s', async (walLevel) => {
    const { readings } = await startedMill({ walLevel });
    const seen: number[] = [];
    readings.subscribe(({ value }) => {
      if (value === 1) readings.from('latest').subscribe((row) => seen.push(row.value));
    });
    await readings.appendMany(readingsOf(4));
    await readings.append(reading(4));
    expect(seen).toEqual([2, 3, 4]);
  });
});

describe('an iteration', () => {
  it('leaves nothing behind that was asked to go on several times inside a turn', async () => {
    const { readings } = await startedMill();
    const rows = readings.from('earliest')[Symbol.asyncIterator]();
    const results: Promise<IteratorResult<{ value: number }>>[] = [];
    const asking = readings.subscribe(() => results.push(rows.next(), rows.next(), rows.next()));
    await readings.append(reading(1));
    asking.unsubscribe();
    await tick();
    await readings.append(reading(2));
    await readings.append(reading(3));
    expect((await Promise.all(results)).map(({ value }) => value.value)).toEqual([1, 2, 3]);
    await rows.return?.();
    expect(Reflect.get(readings, 'sinks')).toEqual([]);
  });
});

describe('a start that is refused', () => {
  it('leaves a damaged copy of the manifest as it is', async () => {
    const { mill } = await startedMill();
    await mill.close();
    const storage = Reflect.get(mill, 'options')
      .storage as import('../../src/storage/simulated-storage.js').SimulatedStorage;
    storage.flip('/mill/manifest-a.json', 20);
    const before = storage.contents('/mill/manifest-a.json');
    expect((await failure(newMill({ storage, vgroups: 4 }).start())).code).toBe('INVALID_OPTION');
    expect(storage.contents('/mill/manifest-a.json')).toEqual(before);
    const again = newMill({ storage });
    again.stream('readings', { schema: readingSchema });
    await again.start();
    expect(storage.contents('/mill/manifest-a.json')).not.toEqual(before);
  });
});

describe('an event of many long values', () => {
  it('is refused where it would not fit into a frame', async () => {
    const names = Array.from({ length: 17 }, (_, at) => `column${at}`);
    const { readings } = await startedMill(
      {},
      { ts: timestamp(), ...Object.fromEntries(names.map((name) => [name, bytes()])) },
    );
    const longest = new Uint8Array(16 * 1024 * 1024);
    const event = { ts: 1, ...Object.fromEntries(names.map((name) => [name, longest])) };
    const error = await failure(readings.append(event as never));
    expect(error).toBeInstanceOf(SchemaError);
    expect(error.message).toContain('takes more than');
  });
});
