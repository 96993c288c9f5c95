import { from, Subject } from 'rxjs';
import { type WalOptions, wal } from '../../src/operators/wal.js';
import { type MarbleLog, marbleLog } from '../support/stream-marbles.js';
import {
  asynchronousDisk,
  newMill,
  reading,
  readingSchema,
  readingsOf,
  startedMill,
  thrown,
  tick,
  watch,
} from '../support/stream-mills.js';

describe('the options of wal', () => {
  let marbles: MarbleLog;
  beforeAll(async () => {
    marbles = await marbleLog();
  });

  it.each([
    { full: 'dropAll' },
    { full: null },
    { full: 'dropOld', bufferSize: 0 },
    { full: 'dropOld', bufferSize: -1 },
    { full: 'dropOld', bufferSize: 1.5 },
    { full: 'dropOld', bufferSize: Number.NaN },
    { full: 'dropOld', bufferSize: Number.POSITIVE_INFINITY },
    { full: 'dropOld', bufferSize: '5' },
  ])('%j is refused when the operator is made', (options) => {
    expect(thrown(() => wal(marbles.log, options as WalOptions<unknown>)).code).toBe('INVALID_OPTION');
  });
});

describe('stream.write', () => {
  it('emits each event once it is durable, after subscribers of the stream have seen it', async () => {
    const { readings } = await startedMill({ storage: asynchronousDisk() });
    const seen: string[] = [];
    readings.subscribe(({ value }) => seen.push(`live ${value}`));
    const written = watch(from([reading(1), reading(2)]).pipe(readings.write()));
    expect(seen).toEqual([]);
    await tick();
    expect(written).toMatchObject({ state: 'completed', values: [reading(1), reading(2)] });
    expect(seen).toEqual(['live 1', 'live 2']);
  });

  it('gives the rows that the log has, not the objects it was given', async () => {
    const { readings } = await startedMill();
    const given = { ...reading(1), ts: new Date(5) };
    const written = watch(from([given]).pipe(readings.write()));
    given.value = 99;
    await tick();
    expect(written.values).toEqual([{ ...reading(1), ts: 5 }]);
  });

  it('errors with NOT_STARTED before start and CLOSED after close, when subscribed and not before', async () => {
    const mill = newMill();
    const readings = mill.stream('readings', { schema: readingSchema });
    const written = from([reading(1)]).pipe(readings.write());
    expect(watch(written).error).toMatchObject({ code: 'NOT_STARTED' });
    await mill.start();
    const inTime = watch(written);
    await mill.close();
    expect(inTime).toMatchObject({ state: 'completed', values: [reading(1)] });
    expect(watch(written).error).toMatchObject({ code: 'CLOSED' });
  });

  it('says when events come faster than they can be written, and what to do', async () => {
    const { readings } = await startedMill({ storage: asynchronousDisk(), commitEventsMax: 10 });
    const written = watch(from(readingsOf(100)).pipe(readings.write()));
    await tick();
    expect(written).toMatchObject({ state: 'failed', error: { code: 'FULL' } });
    expect((written.error as Error).message).toMatch(/append\(\).*Writable.*buffer/s);
    expect(written.values).toEqual(readingsOf(20));
  });

  it('two sources into one stream, with many keys, cost no more than one after the other', async () => {
    const { readings } = await startedMill({ storage: asynchronousDisk() });
    const rows = Array.from({ length: 12_000 }, (_, n) => reading(n, `device ${n}`));
    const [left, right] = [new Subject<(typeof rows)[0]>(), new Subject<(typeof rows)[0]>()];
    const written = [watch(left.pipe(readings.write())), watch(right.pipe(readings.write()))];
    const startedAt = performance.now();
    for (const [at, row] of rows.entries()) (at % 2 === 0 ? left : right).next(row);
    await tick();
    expect(written.map(({ values }) => values.length)).toEqual([6_000, 6_000]);
    // Reading all the keys of the commit back for every event would take a quarter of a minute.
    expect(performance.now() - startedAt).toBeLessThan(4_000);
  });

  it('unsubscribed, goes on with nothing and keeps what it took', async () => {
    const { mill, readings } = await startedMill({ storage: asynchronousDisk() });
    const written: unknown[] = [];
    const subscription = from(readingsOf(3))
      .pipe(readings.write())
      .subscribe((row) => written.push(row));
    subscription.unsubscribe();
    await tick();
    expect(written).toEqual([]);
    expect(mill.metrics().events).toBe(3);
  });

  it('ends its waiting for room with CLOSED when the mill closes, and keeps what was in the log', async () => {
    const { mill, readings } = await startedMill({ storage: asynchronousDisk(), commitEventsMax: 2 });
    const written = watch(from(readingsOf(8)).pipe(readings.write({ full: 'buffer' })));
    await mill.close();
    expect(written).toMatchObject({ state: 'failed', values: readingsOf(4), error: { code: 'CLOSED' } });
  });
});
