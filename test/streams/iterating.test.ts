import type { DurableStream } from '../../src/index.js';
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

/** How many readers the stream still feeds. */
const feeds = (stream: DurableStream<ReadingRow>): number => (stream as unknown as { sinks: unknown[] }).sinks.length;
/** How many rows an iterator holds that nobody has asked for. */
const held = (iterator: AsyncIterator<ReadingRow>): number =>
  (iterator as unknown as { rows: { size: number } }).rows.size;

describe('an async iteration', () => {
  it('over a stream gives what is committed from now on', async () => {
    const { readings } = await startedMill();
    await readings.appendMany(readingsOf(3));
    const taken = take(readings, 3);
    await readings.appendMany(readingsOf(3, 3));
    expect(await taken).toEqual(readingsOf(3, 3));
  });

  it('over a position gives history, then live', async () => {
    const { readings } = await startedMill({ storage: asynchronousDisk(), vgroups: 4 });
    await readings.appendMany(readingsOf(5));
    const taken = take(readings.from('earliest'), 10);
    await readings.appendMany(readingsOf(5, 5));
    expect(await taken).toEqual(readingsOf(10));
  });

  it('over records says where each event stands', async () => {
    const { readings } = await startedMill();
    const { firstLsn } = await readings.appendMany(readingsOf(2));
    const records = await take(readings.records('earliest'), 2);
    expect(records.map(({ lsn, event }) => [lsn, event])).toEqual([
      [firstLsn, reading(0)],
      [firstLsn + 1, reading(1)],
    ]);
  });

  it('answers calls of next() that were made at once in their order', async () => {
    const { readings } = await startedMill();
    const iterator = readings.from('earliest')[Symbol.asyncIterator]();
    const results = [1, 2, 3].map(() => iterator.next());
    await readings.appendMany(readingsOf(3));
    expect((await Promise.all(results)).map(({ value }) => value)).toEqual(readingsOf(3));
    await iterator.return!();
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });

  it('may be had several times, each with its own place', async () => {
    const { readings } = await startedMill();
    await readings.appendMany(readingsOf(3));
    const all = readings.from('earliest');
    expect(await take(all, 2)).toEqual(readingsOf(2));
    expect(await take(all, 3)).toEqual(readingsOf(3));
  });
});

describe('a slow consumer', () => {
  it('holds back its reading, not the log; what waits for it is in memory', async () => {
    const { mill, readings } = await startedMill({ storage: turningDisk(), commitEventsMax: 100, vgroups: 4 });
    const iterator = readings.from('earliest')[Symbol.asyncIterator]();
    const taken: number[] = [];
    let most = 0;
    const consuming = (async () => {
      for await (const { value } of { [Symbol.asyncIterator]: () => iterator }) {
        most = Math.max(most, held(iterator));
        if (taken.push(value) === 6_000) break;
        if (taken.length % 10 === 0) await tick();
      }
    })();
    await readings.appendMany(readingsOf(6_000));
    expect(taken.length).toBeLessThan(5_000);
    await consuming;
    expect(taken).toEqual(Array.from({ length: 6_000 }, (_, n) => n));
    expect(most).toBeLessThanOrEqual(1_024 + 100);
    expect(most).toBeGreaterThan(500);
    expect(mill.metrics().queue.waiting).toBe(0);
  });

  it('of live events that falls behind goes back to history, and comes back to live', async () => {
    const { readings } = await startedMill({ commitEventsMax: 100 });
    const iterator = readings[Symbol.asyncIterator]();
    await readings.appendMany(readingsOf(5_000));
    expect(held(iterator)).toBeLessThanOrEqual(1_024 + 100);
    expect(feeds(readings)).toBe(0);
    for (let n = 0; n < 5_000; n++) expect((await iterator.next()).value).toEqual(reading(n));
    const next = iterator.next();
    await tick();
    expect(feeds(readings)).toBe(1);
    await readings.append(reading(5_000));
    expect(await next).toEqual({ done: false, value: reading(5_000) });
    await iterator.return!();
  });

  it('that falls behind at level off misses nothing: what is not in the log is in memory, or in segments', async () => {
    const { mill, readings } = await startedMill({ walLevel: 'off', commitEventsMax: 100 });
    const iterator = readings[Symbol.asyncIterator]();
    await readings.appendMany(readingsOf(3_000));
    await mill.checkpoint();
    await readings.appendMany(readingsOf(2_000, 3_000));
    expect(feeds(readings)).toBe(0);
    for (let n = 0; n < 5_000; n++) expect((await iterator.next()).value).toEqual(reading(n));
    await iterator.return!();
  });
});

describe('an iteration that is left', () => {
  const left = async (leave: (stream: DurableStream<ReadingRow>) => Promise<void>): Promise<void> => {
    const { mill, readings } = await startedMill({ storage: asynchronousDisk() });
    await readings.appendMany(readingsOf(5));
    await leave(readings);
    await tick();
    expect(feeds(readings)).toBe(0);
    expect((mill as unknown as { closeCallbacks: Set<unknown> }).closeCallbacks.size).toBe(0);
    await readings.append(reading(5));
  };

  it('by break holds nothing any more', () =>
    left(async (readings) => {
      for await (const { value } of readings.from('earliest')) if (value === 4) break;
    }));

  it('by break within history reads no further', () =>
    left(async (readings) => {
      for await (const _ of readings.from('earliest')) break;
    }));

  it('by an exception holds nothing any more', () =>
    left(async (readings) => {
      const consuming = async (): Promise<void> => {
        for await (const _ of readings.from('earliest')) throw new Error('consumer');
      };
      expect((await failure(consuming())).message).toBe('consumer');
    }));

  it('by return() while a next() waits ends that one', () =>
    left(async (readings) => {
      const iterator = readings[Symbol.asyncIterator]();
      const next = iterator.next();
      await tick();
      await iterator.return!();
      expect(await next).toEqual({ done: true, value: undefined });
    }));

  it('by its signal throws the reason, while it waits and while there are rows', () =>
    left(async (readings) => {
      for (const wait of [5, 2]) {
        const controller = new AbortController();
        const taken: number[] = [];
        const consuming = failure(
          (async () => {
            for await (const { value } of readings.from('earliest', { signal: controller.signal })) {
              if (taken.push(value) === wait) setImmediate(() => controller.abort());
              if (wait === 2) await tick();
            }
          })(),
        );
        expect(await consuming).toBe(controller.signal.reason);
        expect(taken.length).toBeLessThanOrEqual(5);
      }
    }));

  it('by its signal gives none of the rows that it holds', () =>
    left(async (readings) => {
      const controller = new AbortController();
      const iterator = readings.from('earliest', { signal: controller.signal })[Symbol.asyncIterator]();
      await iterator.next();
      expect(held(iterator)).toBe(4);
      controller.abort('enough');
      expect(await failure(iterator.next())).toBe('enough');
      expect(await iterator.next()).toEqual({ done: true, value: undefined });
    }));

  it('before it began, by a signal that is aborted already', () =>
    left(async (readings) => {
      const signal = AbortSignal.abort('never');
      expect(await failure(take(readings.from('earliest', { signal }), 1))).toBe('never');
    }));

  it('leaves no listener on its signal', () =>
    left(async (readings) => {
      const { signal } = new AbortController();
      const added = jest.spyOn(signal, 'addEventListener');
      const removed = jest.spyOn(signal, 'removeEventListener');
      await take(readings.from('earliest', { signal }), 3);
      expect(added).toHaveBeenCalledTimes(1);
      expect(removed).toHaveBeenCalledTimes(1);
    }));
});

describe('when the mill closes, an iteration', () => {
  it('lets its signal go', async () => {
    const { mill, readings } = await startedMill();
    const { signal } = new AbortController();
    const added = jest.spyOn(signal, 'addEventListener');
    const removed = jest.spyOn(signal, 'removeEventListener');
    const iterator = readings.from('earliest', { signal })[Symbol.asyncIterator]();
    readings.from('earliest', { signal }).subscribe();
    await mill.close();
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
    expect(removed).toHaveBeenCalledTimes(added.mock.calls.length);
  });

  it('that waits ends', async () => {
    const { mill, readings } = await startedMill({ storage: asynchronousDisk() });
    const ended = Promise.all([
      (async () => {
        for await (const _ of readings);
      })(),
      (async () => {
        for await (const _ of readings.from('earliest'));
      })(),
    ]);
    await readings.append(reading(1));
    await mill.close();
    await ended;
  });

  it('gives what it holds, then ends', async () => {
    const disk = new HeldDisk();
    const { mill, readings } = await disk.until(startedMill({ storage: disk.storage }));
    const iterator = readings[Symbol.asyncIterator]();
    const first = iterator.next();
    await disk.rest();
    await disk.until(readings.appendMany(readingsOf(3)));
    await disk.until(mill.close());
    const results = [await first, await iterator.next(), await iterator.next(), await iterator.next()];
    expect(results.map(({ value }) => value?.value)).toEqual([0, 1, 2, undefined]);
    expect(results[3]!.done).toBe(true);
  });
});
