import { EPOCH } from '../support/log-mill.js';
import { event, events, filesOf, opened, openedSlowly } from '../support/stream-checkpoints.js';
import { failure, newMill, readingSchema, take } from '../support/stream-mills.js';

const MINUTE = 60_000;

describe('mill.checkpoint()', () => {
  it('puts what was written into a segment, tells its steps, and leaves a short log', async () => {
    const { log, mill, readings, storage, words, told } = await opened({ vgroups: 2 });
    await log.until(readings.appendMany(events(500)));
    expect(mill.metrics()).toMatchObject({ segments: { count: 0, bytes: 0 } });
    expect(mill.metrics().unsavedBytes).toBeGreaterThan(500 * 16);
    const report = await log.until(mill.checkpoint());
    expect(report).toMatchObject({
      number: 1,
      cause: 'request',
      steps: [{ name: 'rotate' }, { name: 'snapshot' }, { name: 'retire' }],
    });
    expect(words).toEqual(['1 request started', '1 rotate', '1 snapshot', '1 retire', '1 request completed']);
    expect(told.at(-1)!.report).toEqual(report);
    const { unsavedBytes, segments, logBytes } = mill.metrics();
    expect({ unsavedBytes, count: segments.count }).toEqual({ unsavedBytes: 0, count: 1 });
    // Three files with nothing but their headers.
    expect(logBytes).toBe(3 * 64);
    expect(segments.bytes).toBe(storage.contents(filesOf(storage, /arrow$/)[0]!).length);
    expect(report.steps[1]!.bytes).toBe(segments.bytes);
    expect(filesOf(storage, /checkpoint\.wal$/)).toEqual([]);
    expect(await log.until(take(readings.from('earliest'), 500))).toEqual(
      events(500).map((row) => ({ ...row, note: undefined })),
    );
    await log.until(mill.close());
  });

  it('has no steps where nothing was written since the last one', async () => {
    const { log, mill, readings } = await opened();
    await log.until(readings.append(event(1)));
    expect((await log.until(mill.checkpoint())).steps).toHaveLength(3);
    expect((await log.until(mill.checkpoint())).steps).toEqual([]);
    await log.until(mill.close());
  });

  it('while one runs follows it, once for all who asked meanwhile', async () => {
    const { log, mill, readings } = await openedSlowly();
    await log.until(readings.append(event(1)));
    const first = mill.checkpoint();
    await log.idle(10);
    await log.until(readings.append(event(2)));
    const others = [mill.checkpoint(), mill.checkpoint()];
    expect((await log.until(first)).number).toBe(1);
    const reports = await log.until(Promise.all(others));
    expect(reports.map(({ number, steps }) => [number, steps.length])).toEqual([
      [2, 3],
      [2, 3],
    ]);
    await log.until(mill.close());
  });

  it('lets appends and readers go on while it runs', async () => {
    const { log, mill, readings } = await openedSlowly();
    await log.until(readings.appendMany(events(10)));
    let isDone = false;
    const checkpoint = mill.checkpoint().then(() => {
      isDone = true;
    });
    await log.idle(1);
    await log.until(readings.appendMany(events(10, 10)));
    expect(await log.until(take(readings.from('earliest'), 20))).toHaveLength(20);
    expect(isDone).toBe(false);
    await log.until(checkpoint);
    expect(mill.metrics().unsavedBytes).toBeGreaterThan(0);
    expect(await log.until(readings.count())).toBe(20);
    await log.until(mill.close());
  });

  it('is refused before start and after close', async () => {
    const mill = newMill();
    mill.stream('readings', { schema: readingSchema });
    expect(await failure(mill.checkpoint())).toMatchObject({ code: 'NOT_STARTED' });
    expect(() => mill.setCheckpointInterval('1s')).toThrow(expect.objectContaining({ code: 'NOT_STARTED' }));
    await mill.start();
    for (const interval of [0, -1, Number.NaN, 'soon'])
      expect(() => mill.setCheckpointInterval(interval)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
    await mill.close();
    expect(await failure(mill.checkpoint())).toMatchObject({ code: 'CLOSED' });
  });
});

describe('a checkpoint by itself', () => {
  it('comes after the interval, where something was written', async () => {
    const { log, mill, readings, words } = await opened();
    await log.idle(10 * MINUTE);
    // The first one is for the declaration.
    expect(words.filter((word) => word.endsWith('completed'))).toEqual(['1 interval completed']);
    await log.until(readings.append(event(1)));
    await log.idle(MINUTE);
    expect(words.at(-1)).toBe('2 interval completed');
    await log.until(mill.close());
  });

  it('follows an interval that is changed while it runs, at once', async () => {
    const { log, mill, readings, words } = await opened({ checkpointInterval: '1h' });
    await log.until(readings.append(event(1)));
    await log.idle(10 * MINUTE);
    expect(words).toEqual([]);
    mill.setCheckpointInterval('20m');
    await log.idle(9 * MINUTE);
    expect(words).toEqual([]);
    await log.idle(2 * MINUTE);
    expect(words.at(-1)).toBe('1 interval completed');
    await log.until(readings.append(event(2)));
    await log.idle(5 * MINUTE);
    mill.setCheckpointInterval(1_000);
    await log.idle(1);
    expect(words.at(-1)).toBe('2 interval completed');
    await log.until(mill.close());
  });

  it('comes by size, before the interval is over', async () => {
    const { log, mill, readings, words } = await opened({ checkpointBytes: 20_000 });
    for (let n = 0; n < 40; n++) {
      await log.until(readings.appendMany(events(100, n * 100)));
      await log.idle(0);
      expect(mill.metrics().unsavedBytes).toBeLessThan(25_000);
    }
    expect(words.filter((word) => word.endsWith('size completed')).length).toBeGreaterThan(2);
    expect(log.clock.now() - EPOCH).toBeLessThan(MINUTE);
    await log.until(mill.close());
  });

  it('is taken by close, which then leaves nothing to replay', async () => {
    const { log, mill, readings, words, storage } = await opened({ vgroups: 2 });
    await log.until(readings.appendMany(events(30)));
    await log.until(mill.close());
    expect(words.at(-1)).toBe('1 close completed');
    const again = await opened({}, storage.crash());
    expect(again.mill.recovery).toMatchObject({ clean: true, events: 0, commits: 1 });
    expect(await again.log.until(again.readings.count())).toBe(30);
    await again.log.until(again.mill.close());
  });
});

describe('what is in no segment yet', () => {
  it('is bounded: appends wait for the checkpoint, and all of them are written', async () => {
    const { log, mill, readings } = await openedSlowly({
      checkpointBytes: 10_000,
      unsavedBytesMax: 20_000,
      commitEventsMax: 50,
    });
    let most = 0;
    let done = 0;
    const appended = events(3_000).map((row) => readings.append(row).then(() => done++));
    for (let second = 0; second < 60 && done < 3_000; second++) {
      await log.idle(500);
      most = Math.max(most, mill.metrics().unsavedBytes);
    }
    await log.until(Promise.all(appended));
    // What was on its way when it was reached.
    expect(most).toBeGreaterThanOrEqual(20_000);
    expect(most).toBeLessThan(26_000);
    expect(await log.until(readings.count())).toBe(3_000);
    await log.until(mill.close());
  });

  it('does not hold back who closes', async () => {
    const { log, mill, readings } = await openedSlowly({ checkpointBytes: 5_000, unsavedBytesMax: 6_000 });
    const appended = Promise.all(events(2_000).map((row) => readings.append(row)));
    await log.idle(10);
    const closed = mill.close();
    expect(await log.until(appended)).toHaveLength(2_000);
    await log.until(closed);
  });
});
