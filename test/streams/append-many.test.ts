import { EventEmitter, on } from 'node:events';
import { asyncScheduler } from 'rxjs';
import { SchemaError } from '../../src/errors.js';
import { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import {
  asynchronousDisk,
  failure,
  HeldDisk,
  type ReadingRow,
  reading,
  readingsOf,
  startedMill,
  take,
  tick,
  turningDisk,
} from '../support/stream-mills.js';

const bad = { ...reading(0), value: 'five' } as unknown as ReadingRow;

describe('appendMany of an array', () => {
  it('gives the lsns of the first and the last event, and their number', async () => {
    const { readings } = await startedMill();
    expect(await readings.appendMany(readingsOf(3))).toEqual({ firstLsn: 1, lastLsn: 3, count: 3 });
    expect(await readings.appendMany(readingsOf(1))).toEqual({ firstLsn: 4, lastLsn: 4, count: 1 });
    expect(await readings.appendMany([])).toMatchObject({ count: 0 });
  });

  it('keeps the order, over as many commits as it takes', async () => {
    const { mill, readings } = await startedMill({ storage: asynchronousDisk(), commitEventsMax: 10 });
    expect(await readings.appendMany(readingsOf(105))).toEqual({ firstLsn: 1, lastLsn: 105, count: 105 });
    expect(await take(readings.from('earliest'), 105)).toEqual(readingsOf(105));
    expect(mill.metrics()).toMatchObject({ events: 105, queue: { filling: 0, waiting: 0 } });
  });

  it('with one bad event is refused whole, naming it', async () => {
    const { mill, readings } = await startedMill();
    const error = await failure(readings.appendMany([reading(0), reading(1), bad, reading(3)]));
    expect(error).toBeInstanceOf(SchemaError);
    expect(error).toMatchObject({ row: 2, column: 'value', stream: 'readings', code: 'SCHEMA' });
    expect(mill.metrics().events).toBe(0);
  });

  it('is not resolved before the last event is durable, also when the caller empties his array meanwhile', async () => {
    const disk = new HeldDisk();
    const { mill, readings } = await disk.until(startedMill({ storage: disk.storage }));
    const events = readingsOf(5);
    const appended = readings.appendMany(events);
    events.length = 0;
    await tick();
    expect(mill.metrics().events).toBe(0);
    expect(await disk.until(appended)).toEqual({ firstLsn: 1, lastLsn: 5, count: 5 });
    await disk.until(mill.close());
  });

  it('takes the events that the array had when it was called', async () => {
    const { readings } = await startedMill({ storage: asynchronousDisk(), commitEventsMax: 2 });
    const events = readingsOf(7);
    const appended = readings.appendMany(events);
    events.splice(0, 7, reading(99), reading(98));
    expect(await appended).toMatchObject({ count: 7 });
    expect(await take(readings.from('earliest'), 7)).toEqual(readingsOf(7));
  });

  it('takes turns with others that wait for room: none is starved', async () => {
    const { readings } = await startedMill({ storage: asynchronousDisk(), commitEventsMax: 10 });
    const many = readings.appendMany(readingsOf(200));
    const { lsn } = await readings.append(reading(1_000));
    expect(lsn).toBeLessThan(60);
    expect((await many).count).toBe(200);
  });

  it.each([undefined, null, 5, 'text', {}, () => [], { length: 1 }])('refuses %p', async (events) => {
    const { readings } = await startedMill();
    expect(await failure(readings.appendMany(events as never))).toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});

describe('appendMany of an iterable', () => {
  it('takes any iterable, to its end', async () => {
    const { readings } = await startedMill({ storage: asynchronousDisk(), commitEventsMax: 10 });
    expect(await readings.appendMany(new Set(readingsOf(25)))).toEqual({ firstLsn: 1, lastLsn: 25, count: 25 });
    expect(await readings.appendMany(readingsOf(0).values())).toMatchObject({ count: 0 });
    expect(await take(readings.from('earliest'), 25)).toEqual(readingsOf(25));
  });

  it('pulls no faster than the log takes: at most what is in flight, what fills, and one event', async () => {
    const disk = new HeldDisk();
    const { mill, readings } = await disk.until(startedMill({ storage: disk.storage, commitEventsMax: 10 }));
    let pulled = 0;
    function* endless(): Generator<ReadingRow> {
      for (;;) yield reading(pulled++);
    }
    const appended = failure(readings.appendMany(endless()));
    for (let round = 0; round < 30; round++) {
      await disk.step();
      expect(pulled - mill.metrics().events).toBeLessThanOrEqual(21);
    }
    expect(mill.metrics().events).toBeGreaterThan(0);
    await disk.until(mill.close());
    expect(await appended).toMatchObject({ code: 'CLOSED' });
  });

  it('writes what came before a bad event, and says how many', async () => {
    const { mill, readings } = await startedMill();
    const error = await failure(readings.appendMany([reading(0), reading(1), bad, reading(3)].values()));
    expect(error).toMatchObject({ code: 'SCHEMA', row: 2, column: 'value' });
    expect(error.message).toMatch(/^Event 2: .*\(2 events before it were written\.\)$/);
    expect(mill.metrics().events).toBe(2);
  });

  it('rejects with the error of the iterable itself, unchanged, when what came before is durable', async () => {
    const { mill, readings } = await startedMill({ storage: asynchronousDisk() });
    const broken = Object.freeze(new Error('broken source'));
    function* events(): Generator<ReadingRow> {
      yield reading(1);
      throw broken;
    }
    expect(await failure(readings.appendMany(events()))).toBe(broken);
    expect(broken.message).toBe('broken source');
    expect(mill.metrics().events).toBe(1);
  });

  it('leaves the iterable properly when it stops early', async () => {
    const { readings } = await startedMill();
    let isLeft = false;
    function* events(): Generator<ReadingRow> {
      try {
        for (;;) yield bad;
      } finally {
        isLeft = true;
      }
    }
    await failure(readings.appendMany(events()));
    expect(isLeft).toBe(true);
  });
});

describe('appendMany of an async iterable', () => {
  it('appends each event as it comes, not when there are many', async () => {
    const { readings } = await startedMill({ storage: asynchronousDisk() });
    const emitter = new EventEmitter();
    const ended = new AbortController();
    async function* events(): AsyncGenerator<ReadingRow> {
      for await (const [event] of on(emitter, 'reading', { signal: ended.signal })) yield event as ReadingRow;
    }
    const seen: number[] = [];
    readings.subscribe(({ value }) => seen.push(value));
    const appended = failure(readings.appendMany(events()));
    await tick();
    for (let n = 0; n < 5; n++) {
      emitter.emit('reading', reading(n));
      await tick();
      expect(seen.at(-1)).toBe(n);
    }
    ended.abort();
    expect(await appended).toMatchObject({ name: 'AbortError' });
  });

  it('takes many events at the pace of the log', async () => {
    const storage = new SimulatedStorage({ scheduler: asyncScheduler });
    const { mill, readings } = await startedMill({ storage, commitEventsMax: 50 });
    async function* events(): AsyncGenerator<ReadingRow> {
      yield* readingsOf(1_000);
    }
    expect(await readings.appendMany(events())).toEqual({ firstLsn: 1, lastLsn: 1_000, count: 1_000 });
    expect(mill.metrics().commits).toBeLessThan(50);
    expect(await take(readings.from('earliest'), 1_000)).toEqual(readingsOf(1_000));
  });

  it('that never ends, ends with CLOSED when the mill closes, with everything that was taken durable', async () => {
    const { mill, readings } = await startedMill({ storage: turningDisk(), commitEventsMax: 20 });
    let n = 0;
    let isLeft = false;
    async function* endless(): AsyncGenerator<ReadingRow> {
      try {
        for (;;) yield reading(n++);
      } finally {
        isLeft = true;
      }
    }
    const appended = failure(readings.appendMany(endless()));
    for (let round = 0; round < 30; round++) await tick();
    await mill.close();
    const error = await appended;
    expect(error).toMatchObject({ code: 'CLOSED' });
    const { events } = mill.metrics();
    expect(events).toBeGreaterThan(20);
    expect(error.message).toContain(`(${events} events before it were written.)`);
    expect(isLeft).toBe(true);
  });

  it('ends with CLOSED when the mill closes, even while the source is silent, and leaves the source', async () => {
    const { mill, readings } = await startedMill({ storage: asynchronousDisk() });
    let isLeft = false;
    const silent: AsyncIterable<ReadingRow> = {
      [Symbol.asyncIterator]: () => {
        let n = 0;
        return {
          next: () => (n++ < 3 ? Promise.resolve({ done: false, value: reading(n) }) : new Promise(() => {})),
          return: () => {
            isLeft = true;
            return Promise.resolve({ done: true, value: undefined });
          },
        };
      },
    };
    const appended = failure(readings.appendMany(silent));
    await tick();
    await mill.close();
    const error = await appended;
    expect(error).toMatchObject({ code: 'CLOSED' });
    expect(error.message).toContain('(3 events before it were written.)');
    expect(isLeft).toBe(true);
  });

  it('ends with the error of the log, even while the source is silent', async () => {
    const storage = asynchronousDisk();
    const { readings } = await startedMill({ storage });
    async function* silent(): AsyncGenerator<ReadingRow> {
      yield reading(1);
      await new Promise(() => {});
    }
    storage.failAt({ operation: 'sync', nth: 1, code: 'EIO' });
    expect(await failure(readings.appendMany(silent()))).toMatchObject({ code: 'OUTCOME_UNKNOWN' });
  });
});
