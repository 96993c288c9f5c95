import type { DurableStream } from '../../src/index.js';
import {
  failure,
  newMill,
  type ReadingRow,
  readingSchema,
  readingsOf,
  startedMill,
  take,
  watch,
} from '../support/stream-mills.js';

describe('a history ends', () => {
  it.each(['memory', 'segments'])('when it is aborted, in %s', async (place) => {
    const { mill, readings } = await startedMill({ commitEventsMax: 100 });
    await readings.appendMany(readingsOf(3_000));
    if (place === 'segments') await mill.checkpoint();
    const control = new AbortController();
    const iterating = (async () => {
      let n = 0;
      for await (const _ of readings.history({ signal: control.signal }))
        if (++n === 10) control.abort(new Error('on purpose'));
    })();
    expect((await failure(iterating)).message).toBe('on purpose');
    expect(watch(readings.history({ signal: control.signal }))).toMatchObject({ state: 'completed', values: [] });
    const other = new AbortController();
    let count = 0;
    await readings.history({ signal: other.signal }).forEach(() => {
      if (++count === 20) other.abort();
    });
    expect(count).toBe(20);
    const third = new AbortController();
    count = 0;
    await readings.from('earliest', { signal: third.signal }).forEach(() => {
      if (++count === 20) third.abort();
    });
    expect(count).toBe(20);
  });

  it('when its consumer leaves, and then holds nothing', async () => {
    const { mill, readings } = await startedMill();
    await readings.appendMany(readingsOf(100));
    await mill.checkpoint();
    expect(await take(readings.history(), 5)).toEqual(readingsOf(5));
    expect((mill as unknown as { closeCallbacks: Set<unknown> }).closeCallbacks.size).toBe(0);
  });

  it('with an error when the mill closes: it is not all of it', async () => {
    const { mill, readings } = await startedMill();
    await readings.appendMany(readingsOf(3_000));
    const iterator = readings.history()[Symbol.asyncIterator]();
    await iterator.next();
    await mill.close();
    const goingOn = async () => {
      while (!(await iterator.next()).done);
    };
    expect(await failure(goingOn())).toMatchObject({ code: 'CLOSED' });
  });
});

describe('a history that is asked for wrongly', () => {
  const questions = (readings: DurableStream<ReadingRow>) =>
    [
      () => take(readings.history(), 1),
      () => readings.history().forEach(() => {}),
      () => readings.batches().forEach(() => {}),
      () => readings.latest('d1'),
      () => readings.count(),
      () => take(readings.from(new Date()), 1),
    ] as const;

  it('before start and after close says so', async () => {
    const mill = newMill();
    const readings = mill.stream('readings', { schema: readingSchema });
    for (const ask of questions(readings)) expect(await failure(ask())).toMatchObject({ code: 'NOT_STARTED' });
    await mill.start();
    await mill.close();
    for (const ask of questions(readings)) expect(await failure(ask())).toMatchObject({ code: 'CLOSED' });
  });

  it.each<[string, object, string]>([
    ['a time that is none', { from: Number.NaN }, 'INVALID_ARGUMENT'],
    ['a date that is none', { to: new Date(Number.NaN) }, 'INVALID_ARGUMENT'],
    ['a time as text', { from: '2024-01-01' }, 'INVALID_ARGUMENT'],
    ['no time at all', { to: null }, 'INVALID_ARGUMENT'],
    ['a column that there is not', { columns: ['ts', 'nope'] }, 'INVALID_ARGUMENT'],
    ['columns as text', { columns: 'ts' }, 'INVALID_ARGUMENT'],
    ['a value that is no key', { where: { value: 1 } }, 'INVALID_ARGUMENT'],
    ['a key that there is not', { where: { nope: 'a' } }, 'INVALID_ARGUMENT'],
    ['a key of another type', { where: { device: 5 } }, 'SCHEMA'],
    ['a key that is null', { where: { device: null } }, 'SCHEMA'],
    ['fewer than no rows', { limit: -1 }, 'INVALID_ARGUMENT'],
    ['half a row', { limit: 0.5 }, 'INVALID_ARGUMENT'],
    ['a limit that is no number', { limit: Number.NaN }, 'INVALID_ARGUMENT'],
    ['another order', { order: 'up' }, 'INVALID_ARGUMENT'],
  ])('%s', async (_, options, code) => {
    const { readings } = await startedMill();
    expect(() => readings.history(options)).toThrow(expect.objectContaining({ code, stream: 'readings' }));
  });

  it('names the stream and what it has', async () => {
    const { readings } = await startedMill();
    expect(() => readings.history({ columns: ['tss' as 'ts'] })).toThrow(
      'Reading stream "readings": there is no column "tss"; it has ts, device, value.',
    );
    expect(() => readings.history({ where: { value: 1 } })).toThrow(/key columns only \(device\), not "value"/);
  });
});
