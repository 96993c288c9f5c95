import { Readable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import type { DurableStream, Millrace } from '../../src/index.js';
import {
  asynchronousDisk,
  failure,
  HeldDisk,
  newMill,
  type ReadingRow,
  reading,
  readingSchema,
  readingsOf,
  startedMill,
  take,
  tick,
  turningDisk,
} from '../support/stream-mills.js';

/** A source as fast as it is asked, which counts what was taken from it. */
function source(count: number): { readable: Readable; pulled: () => number } {
  let pulled = 0;
  function* rows(): Generator<ReadingRow> {
    while (pulled < count) yield reading(pulled++);
  }
  return { readable: Readable.from(rows()), pulled: () => pulled };
}

describe('stream.writable', () => {
  it('takes everything from a pipeline, in order', async () => {
    const { mill, readings } = await startedMill({ storage: asynchronousDisk(), commitEventsMax: 100 });
    await pipeline(source(2_500).readable, readings.writable());
    expect(mill.metrics().events).toBe(2_500);
    expect(await take(readings.from('earliest'), 2_500)).toEqual(readingsOf(2_500));
  });

  it('holds a fast source back: what is taken but not durable stays bounded', async () => {
    const { mill, readings } = await startedMill({ storage: turningDisk(), commitEventsMax: 200 });
    const { readable, pulled } = source(8_000);
    let most = 0;
    readings.subscribe(() => {
      most = Math.max(most, pulled() - mill.metrics().events);
    });
    await pipeline(readable, readings.writable());
    // One commit in flight, one filling, the buffers of the Writable and of the source.
    expect(most).toBeLessThanOrEqual(2 * 200 + 2 * 1_024 + 64);
    expect(mill.metrics().events).toBe(8_000);
  });

  it('says with write() that it is full, and drains when the log has taken it', async () => {
    const disk = new HeldDisk();
    const { mill, readings } = await disk.until(startedMill({ storage: disk.storage, commitEventsMax: 10 }));
    const writable = readings.writable();
    let written = 0;
    while (writable.write(reading(written))) written++;
    expect(written).toBeLessThan(1_100);
    let isDrained = false;
    writable.once('drain', () => (isDrained = true));
    await tick();
    expect(isDrained).toBe(false);
    const ended = finished(writable.end());
    await disk.until(ended);
    expect(mill.metrics().events).toBe(written + 1);
    await disk.until(mill.close());
  });

  it('finishes when the last event is durable, and not before', async () => {
    const disk = new HeldDisk();
    const { mill, readings } = await disk.until(startedMill({ storage: disk.storage }));
    const writable = readings.writable();
    let isFinished = false;
    writable.on('finish', () => (isFinished = true));
    writable.end(reading(1));
    await tick();
    expect(mill.metrics().events).toBe(0);
    expect(isFinished).toBe(false);
    await disk.until(finished(writable));
    expect(mill.metrics().events).toBe(1);
    await disk.until(mill.close());
  });

  it('finishes at once when nothing was written', async () => {
    const { readings } = await startedMill();
    await finished(readings.writable().end());
  });

  it('is destroyed by an event that does not fit, with everything before it durable', async () => {
    const { mill, readings } = await startedMill({ storage: asynchronousDisk() });
    const rows = [...readingsOf(5), { ...reading(5), value: 'five' }, ...readingsOf(5, 6)];
    const writable = readings.writable();
    const error = await failure(pipeline(Readable.from(rows), writable));
    expect(error).toMatchObject({ code: 'SCHEMA', column: 'value' });
    expect(writable.destroyed).toBe(true);
    await tick();
    expect(mill.metrics().events).toBe(5);
  });

  it('is destroyed by a failure of the log, and so is its source', async () => {
    const storage = asynchronousDisk();
    const { readings } = await startedMill({ storage, commitEventsMax: 50 });
    storage.failAt({ operation: 'sync', nth: 3, code: 'EIO' });
    const { readable } = source(100_000);
    expect(await failure(pipeline(readable, readings.writable()))).toMatchObject({ code: 'OUTCOME_UNKNOWN' });
    expect(readable.destroyed).toBe(true);
  });

  it('is destroyed by a failure that comes after the last write', async () => {
    const storage = asynchronousDisk();
    const { readings } = await startedMill({ storage });
    storage.failAt({ operation: 'write', nth: 1, code: 'ENOSPC' });
    const writable = readings.writable();
    writable.end(reading(1));
    expect(await failure(finished(writable))).toMatchObject({ code: 'NOT_WRITTEN' });
  });

  it('waits its turn among those who append', async () => {
    const { readings } = await startedMill({ storage: turningDisk(), commitEventsMax: 5 });
    const piped = pipeline(source(300).readable, readings.writable());
    await tick();
    const { lsn } = await readings.append(reading(1_000));
    expect(lsn).toBeLessThan(300);
    await piped;
  });

  it('may be used next to others of the same stream', async () => {
    const { mill, readings } = await startedMill({ storage: asynchronousDisk(), commitEventsMax: 20 });
    await Promise.all([1, 2, 3].map(() => pipeline(source(200).readable, readings.writable())));
    expect(mill.metrics().events).toBe(600);
  });

  describe('at the wrong time', () => {
    let mill: Millrace;
    let readings: DurableStream<ReadingRow>;
    beforeEach(() => {
      mill = newMill({ storage: turningDisk(), commitEventsMax: 10 });
      readings = mill.stream('readings', { schema: readingSchema });
    });

    it('errors with NOT_STARTED when written to before start', async () => {
      expect(await failure(pipeline(source(1).readable, readings.writable()))).toMatchObject({ code: 'NOT_STARTED' });
    });

    it('may be made before start and written to after it', async () => {
      const writable = readings.writable();
      await mill.start();
      await pipeline(source(3).readable, writable);
      expect(mill.metrics().events).toBe(3);
    });

    it('errors with CLOSED when the mill closes under a pipeline; what was taken is durable and counted', async () => {
      await mill.start();
      const { readable } = source(1_000_000);
      const piped = failure(pipeline(readable, readings.writable()));
      const seen: number[] = [];
      readings.subscribe(({ value }) => seen.push(value));
      for (let round = 0; round < 50; round++) await tick();
      await mill.close();
      expect(await piped).toMatchObject({ code: 'CLOSED' });
      expect(seen.length).toBeGreaterThan(0);
      expect(seen).toEqual(Array.from(seen, (_, n) => n));
      expect(mill.metrics().events).toBe(seen.length);
    });
  });
});
