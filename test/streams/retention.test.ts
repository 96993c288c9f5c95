import { firstValueFrom, toArray } from 'rxjs';
import type { DurableStream, RowOf } from '../../src/index.js';
import { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import { keptFrom, partitionOf } from '../../src/streams/retention.js';
import { EPOCH, LogMill, type READINGS, READINGS as SCHEMA } from '../support/log-mill.js';
import { failure, newMill, readingSchema, thrown } from '../support/stream-mills.js';

type Row = RowOf<typeof READINGS>;
const DAY = 86_400_000;
const segmentsOf = (storage: SimulatedStorage) => storage.paths().filter((path) => path.endsWith('.arrow'));
const event = (days: number, value: number) => ({ ts: EPOCH + days * DAY, device: `d${value % 2}`, value });

/** A started mill that keeps ten days: whole days, as that is the largest partition of which ten fit. */
async function opened(storage = new SimulatedStorage(), retention: string | null = '10d') {
  const log = new LogMill(storage, { checkpointInterval: '1000d', vgroups: 2 });
  const readings = log.mill.stream('readings', { schema: SCHEMA, ...(retention && { retention }) });
  await log.until(log.mill.start());
  return { log, readings, storage };
}

/** Checks that everything that can be asked says that there are these values, in this order. */
async function mustHave(log: LogMill, readings: DurableStream<Row>, values: readonly number[]): Promise<void> {
  const rows: number[] = [];
  await log.until(readings.history().forEach(({ value }) => void rows.push(value)));
  expect(rows).toEqual(values);
  const back: number[] = [];
  await log.until(readings.history({ order: 'desc' }).forEach(({ value }) => void back.push(value)));
  expect(back).toEqual(values.toReversed());
  const batches = await log.until(firstValueFrom(readings.batches({ columns: ['value'] }).pipe(toArray())));
  const inBatches = batches.flatMap(({ rows, columns }) => [...(columns.value as Float64Array).subarray(0, rows)]);
  expect(inBatches.sort((a, b) => a - b)).toEqual(values.toSorted((a, b) => a - b));
  expect(await log.until(readings.count())).toBe(values.length);
  for (const key of [0, 1]) {
    const last = values.findLast((value) => value % 2 === key);
    expect((await log.until(readings.latest(`d${key}`)))?.value).toBe(last);
  }
  const followed: number[] = [];
  const subscription = readings.from('earliest').subscribe(({ value }) => followed.push(value));
  await log.idle(0);
  subscription.unsubscribe();
  expect(followed).toEqual(values);
}

describe('how long events are kept', () => {
  it.each([
    [10 * DAY, DAY],
    [30 * DAY, DAY],
    [9 * DAY, 3_600_000],
    [10 * 3_600_000, 3_600_000],
    [3_600_000, 60_000],
    [60_000, 1_000],
    [999, 1],
    [1, 1],
  ])('%i ms: they go in partitions of %i ms', (retention, partition) => {
    expect(partitionOf(retention)).toBe(partition);
    const now = EPOCH + 12_345_678;
    const from = keptFrom(now, retention);
    // What is younger is always kept, what is older than that and a partition never.
    expect(from % partition).toBe(0);
    expect(from).toBeLessThanOrEqual(now - retention);
    expect(from).toBeGreaterThan(now - retention - partition);
  });

  it.each(['soon', 0, -1, Number.NaN, {}])('is refused: %p', (retention) => {
    const declare = () => newMill().stream('s', { schema: readingSchema, retention: retention as string });
    expect(thrown(declare)).toMatchObject({ code: 'INVALID_OPTION' });
  });
});

describe('events that are older than they are kept', () => {
  it('go with a checkpoint, and everything that can be asked says the same', async () => {
    const { log, readings } = await opened();
    await log.until(readings.appendMany([event(-20, 1), event(-11, 2), event(-10, 3), event(-5, 4), event(1, 5)]));
    await mustHave(log, readings, [1, 2, 3, 4, 5]);
    await log.until(log.mill.checkpoint());
    await mustHave(log, readings, [3, 4, 5]);
    await log.idle(6 * DAY);
    await mustHave(log, readings, [3, 4, 5]);
    await log.until(readings.append(event(2, 6)));
    await log.until(log.mill.checkpoint());
    await mustHave(log, readings, [5, 6]);
    await log.until(log.mill.close());
  });

  it('go with their files, where nothing of a file is kept', async () => {
    const { log, readings, storage } = await opened();
    await log.until(readings.appendMany([event(-9, 1), event(-8, 2)]));
    await log.until(log.mill.checkpoint());
    await log.until(readings.appendMany([event(0, 3), event(0, 4)]));
    await log.until(log.mill.checkpoint());
    expect(segmentsOf(storage)).toHaveLength(2);
    await log.idle(3 * DAY);
    await log.until(readings.append(event(3, 5)));
    await log.until(log.mill.checkpoint());
    await log.idle(0);
    expect(segmentsOf(storage).map((path) => path.slice(-14))).toEqual(['00000002.arrow', '00000003.arrow']);
    await mustHave(log, readings, [3, 4, 5]);
    await log.until(log.mill.close());
  });

  it('stay in a file as long as someone reads it', async () => {
    const { log, readings, storage } = await opened();
    const many = Array.from({ length: 3_000 }, (_, value) => event(-9, value));
    await log.until(readings.appendMany(many));
    await log.until(log.mill.checkpoint());
    const iterator = readings.history()[Symbol.asyncIterator]();
    await log.until(iterator.next());
    await log.idle(3 * DAY);
    await log.until(readings.append(event(3, 1)));
    await log.until(log.mill.checkpoint());
    for (let next = await log.until(iterator.next()); !next.done; next = await log.until(iterator.next()));
    await log.idle(0);
    expect(segmentsOf(storage)).toHaveLength(1);
    await log.until(log.mill.close());
  });

  it('that come late, after the decision, are kept until the next one', async () => {
    const { log, readings } = await opened();
    await log.until(readings.appendMany([event(-20, 1), event(0, 2)]));
    await log.until(log.mill.checkpoint());
    await log.until(readings.append(event(-19, 3)));
    await mustHave(log, readings, [2, 3]);
    await log.until(log.mill.checkpoint());
    await mustHave(log, readings, [2, 3]);
    await log.idle(DAY);
    await log.until(readings.append(event(1, 4)));
    await log.until(log.mill.checkpoint());
    await mustHave(log, readings, [2, 4]);
    await log.until(log.mill.close());
  });

  it.each(['close', 'kill', 'crash'] as const)('do not come back after a %s', async (end) => {
    const first = await opened();
    const { log, readings } = first;
    await log.until(readings.appendMany([event(-20, 1), event(-20, 2), event(0, 3), event(0, 4)]));
    await log.until(log.mill.checkpoint());
    await log.until(readings.append(event(-20, 5)));
    await mustHave(log, readings, [3, 4, 5]);
    const before = await log.until(log.mill.fingerprint());
    if (end === 'close') await log.until(log.mill.close());
    // A start without the option keeps what there is, and decides nothing.
    const again = await opened(end === 'crash' ? first.storage.crash() : first.storage.kill(), null);
    expect(await again.log.until(again.log.mill.fingerprint())).toBe(before);
    await mustHave(again.log, again.readings, [3, 4, 5]);
    await again.log.until(again.log.mill.checkpoint());
    expect(await again.log.until(again.log.mill.fingerprint())).toBe(before);
    await mustHave(again.log, again.readings, [3, 4, 5]);
    await again.log.until(again.log.mill.close());
  });

  it('are still gone where the checkpoint that decided it fails, and the decision is in the log', async () => {
    const { log, readings, storage } = await opened();
    await log.until(readings.appendMany([event(-20, 1), event(0, 2)]));
    const heal = storage.failAt({ operation: 'open', path: /\.arrow$/, nth: 1, times: Infinity, code: 'EIO' });
    expect(await failure(log.until(log.mill.checkpoint()))).toMatchObject({ code: 'EIO' });
    await mustHave(log, readings, [2]);
    const before = await log.until(log.mill.fingerprint());
    heal();
    const again = await opened(storage.crash());
    await mustHave(again.log, again.readings, [2]);
    expect(await again.log.until(again.log.mill.fingerprint())).toBe(before);
    await again.log.until(again.log.mill.checkpoint());
    await mustHave(again.log, again.readings, [2]);
    await again.log.until(again.log.mill.close());
  });

  it('are gone for the fingerprint too: it is that of a mill that never had them, but for positions', async () => {
    const { log, readings } = await opened();
    await log.until(readings.appendMany([event(-20, 1), event(0, 2), event(-20, 3), event(1, 4)]));
    await log.until(log.mill.checkpoint());
    const other = await opened();
    await other.log.until(other.readings.appendMany([event(0, 2), event(1, 4)]));
    const [one, two] = [log, other.log].map(({ mill }) => mill);
    const contents = { positions: false };
    expect(await log.until(one!.fingerprint(contents))).toBe(await other.log.until(two!.fingerprint(contents)));
    expect(await log.until(one!.fingerprint())).not.toBe(await other.log.until(two!.fingerprint()));
    await log.until(log.mill.close());
    await other.log.until(other.log.mill.close());
  });
});
