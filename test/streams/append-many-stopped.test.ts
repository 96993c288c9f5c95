import { lastValueFrom, of } from 'rxjs';
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
} from '../support/stream-mills.js';

async function* silentAfter(events: readonly ReadingRow[]): AsyncGenerator<ReadingRow> {
  yield* events;
  await new Promise(() => {});
}

describe('appendMany with a signal', () => {
  it.each([
    ['an array', () => readingsOf(2)],
    ['an iterable', () => readingsOf(2).values()],
    ['an async iterable', () => silentAfter(readingsOf(2))],
  ])('that is aborted before writes nothing of %s', async (_, events) => {
    const { mill, readings } = await startedMill();
    const reason = new Error('no more');
    expect(await failure(readings.appendMany(events(), { signal: AbortSignal.abort(reason) }))).toBe(reason);
    await tick();
    expect(mill.metrics().events).toBe(0);
  });

  it('that is aborted while the source is silent rejects with its reason once what was taken is durable', async () => {
    const { mill, readings } = await startedMill({ storage: asynchronousDisk() });
    const controller = new AbortController();
    const appended = failure(readings.appendMany(silentAfter(readingsOf(3)), { signal: controller.signal }));
    await tick();
    controller.abort();
    // The default reason is a DOMException, whose message cannot be set.
    expect(await appended).toBe(controller.signal.reason);
    expect(mill.metrics().events).toBe(3);
  });

  it('that is aborted while an array waits for room stops there: nothing comes later', async () => {
    const disk = new HeldDisk();
    const { mill, readings } = await disk.until(startedMill({ storage: disk.storage, commitEventsMax: 10 }));
    const controller = new AbortController();
    const appended = failure(readings.appendMany(readingsOf(100), { signal: controller.signal }));
    await disk.step();
    controller.abort('enough');
    expect(await disk.until(appended)).toBe('enough');
    await disk.rest();
    expect(mill.metrics()).toMatchObject({ events: 20, queue: { filling: 0, waiting: 0 } });
    await disk.until(mill.close());
  });

  it('leaves no listener behind', async () => {
    const { readings } = await startedMill();
    const { signal } = new AbortController();
    const added = jest.spyOn(signal, 'addEventListener');
    const removed = jest.spyOn(signal, 'removeEventListener');
    await readings.appendMany(readingsOf(3).values(), { signal });
    await readings.appendMany(readingsOf(3), { signal });
    expect(removed).toHaveBeenCalledTimes(added.mock.calls.length);
  });
});

describe('appendMany when the log fails', () => {
  it('says how many events had been written before, to each caller his own number', async () => {
    const storage = asynchronousDisk();
    const { readings } = await startedMill({ storage, commitEventsMax: 10 });
    const callers = [readings.appendMany(readingsOf(45)), readings.appendMany(readingsOf(45))].map(failure);
    storage.failAt({ operation: 'sync', nth: 6, code: 'EIO' });
    const written = (await Promise.all(callers)).map(({ message }) =>
      Number(message.match(/\((\d+) events before/)?.[1]),
    );
    expect(written[0]).toBeGreaterThan(0);
    expect(written[1]).toBeGreaterThan(0);
    expect((await failure(readings.append(reading(1)))).message).not.toContain('before it');
    expect(await take(readings.from('earliest'), written[0]! + written[1]!)).toHaveLength(written[0]! + written[1]!);
  });

  it('resolves and rejects exactly: what it says was written is in the log, and nothing else is', async () => {
    const storage = asynchronousDisk();
    const { mill, readings } = await startedMill({ storage, commitEventsMax: 10 });
    const appended = failure(readings.appendMany(readingsOf(45)));
    storage.failAt({ operation: 'write', nth: 2, code: 'ENOSPC' });
    const error = await appended;
    expect(error).toMatchObject({ code: 'NOT_WRITTEN' });
    const written = Number(error.message.match(/\((\d+) events before it were written\.\)/)![1]);
    await tick();
    expect(written).toBeGreaterThan(0);
    expect(await take(readings.from('earliest'), mill.metrics().events)).toEqual(readingsOf(written));
  });

  it('a full disk heals: what is appended after it is written', async () => {
    const storage = asynchronousDisk();
    const { readings } = await startedMill({ storage });
    const heal = storage.failAt({ operation: 'write', nth: 1, times: Number.POSITIVE_INFINITY, code: 'ENOSPC' });
    expect(await failure(readings.append(reading(1)))).toMatchObject({ code: 'NOT_WRITTEN' });
    expect(await failure(readings.appendMany(readingsOf(3)))).toMatchObject({ code: 'NOT_WRITTEN' });
    heal();
    await readings.append(reading(7));
    expect(await take(readings.from('earliest'), 1)).toEqual([reading(7)]);
    expect(await lastValueFrom(of(reading(8)).pipe(readings.write()))).toEqual(reading(8));
  });
});
