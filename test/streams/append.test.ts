import { bytes, float32, json, key, string, timestamp } from '../../src/index.js';
import {
  asynchronousDisk,
  failure,
  HeldDisk,
  newMill,
  reading,
  readingSchema,
  readingsOf,
  startedMill,
  take,
  tick,
} from '../support/stream-mills.js';

describe('append', () => {
  it('resolves with the lsn of the event', async () => {
    const { readings } = await startedMill();
    expect(await readings.append(reading(1))).toEqual({ lsn: 1 });
    expect(await readings.append(reading(2))).toEqual({ lsn: 2 });
  });

  it('resolves after subscribers have seen the event', async () => {
    const { readings } = await startedMill({ storage: asynchronousDisk() });
    const seen: string[] = [];
    readings.subscribe(({ value }) => seen.push(`seen ${value}`));
    readings.records().subscribe(({ lsn }) => seen.push(`at ${lsn}`));
    const { lsn } = await readings.append(reading(7));
    expect(seen).toEqual(['seen 7', `at ${lsn}`]);
  });

  it('is not resolved, and nobody has seen the event, before it is durable', async () => {
    const disk = new HeldDisk();
    const { mill, readings } = await disk.until(startedMill({ storage: disk.storage }));
    // Log files for the next checkpoint are prepared in the background.
    await disk.rest();
    const events: string[] = [];
    readings.subscribe(() => events.push('seen'));
    const appended = readings.append(reading(1)).then(() => events.push('resolved'));
    disk.storage.failAt({ operation: 'release', nth: 99, code: 'EIO' });
    // The write.
    await disk.step();
    await tick();
    expect(disk.storage.history.at(-1)).toContain('sync');
    expect(events).toEqual([]);
    await disk.until(appended);
    expect(events).toEqual(['seen', 'resolved']);
    await disk.until(mill.close());
  });

  it('resolves in the order of the calls, over several streams', async () => {
    const mill = newMill({ storage: asynchronousDisk(), vgroups: 4, commitEventsMax: 7 });
    const streams = ['a', 'b', 'c'].map((name) => mill.stream(name, { schema: readingSchema }));
    await mill.start();
    const resolved: number[] = [];
    const appended = Array.from({ length: 100 }, (_, n) =>
      streams[n % 3]!.append(reading(n)).then(({ lsn }) => {
        resolved.push(n);
        return lsn;
      }),
    );
    const lsns = await Promise.all(appended);
    expect(resolved).toEqual(Array.from({ length: 100 }, (_, n) => n));
    expect(lsns).toEqual(Array.from({ length: 100 }, (_, n) => n + 1));
  });

  it('shares a commit with what is appended in the same moment, by whomever', async () => {
    const mill = newMill({ storage: asynchronousDisk() });
    const streams = ['a', 'b'].map((name) => mill.stream(name, { schema: readingSchema }));
    await mill.start();
    const { commits } = mill.metrics();
    await Promise.all(readingsOf(1_000).map((row, n) => streams[n % 2]!.append(row)));
    expect(mill.metrics()).toMatchObject({ commits: commits + 1, events: 1_000 });
  });

  it('gives no lsn twice, also after a commit that could not be written', async () => {
    const storage = asynchronousDisk();
    const { readings } = await startedMill({ storage });
    const { lsn: before } = await readings.append(reading(1));
    storage.failAt({ operation: 'write', nth: 1, code: 'ENOSPC' });
    expect(await failure(readings.append(reading(2)))).toMatchObject({ code: 'NOT_WRITTEN' });
    const { lsn: after } = await readings.append(reading(3));
    expect(after).toBeGreaterThan(before);
    expect(await take(readings.from('earliest'), 2)).toEqual([reading(1), reading(3)]);
  });

  it('waits for room when the log is full, first come first served', async () => {
    const { mill, readings } = await startedMill({ storage: asynchronousDisk(), commitEventsMax: 3 });
    const appended = readingsOf(50).map((row) => readings.append(row));
    expect(mill.metrics().queue).toEqual({ filling: 3, waiting: 44 });
    const lsns = await Promise.all(appended);
    expect(lsns.map(({ lsn }) => lsn)).toEqual(Array.from({ length: 50 }, (_, n) => n + 1));
    expect(await take(readings.from('earliest'), 50)).toEqual(readingsOf(50));
  });

  it('rejects with FULL when too many wait already, and writes nothing of it', async () => {
    const { readings } = await startedMill({ storage: asynchronousDisk(), commitEventsMax: 1, appendsWaitingMax: 2 });
    const appended = readingsOf(6).map((row) =>
      readings.append(row).then(
        () => 'written',
        ({ code }) => code,
      ),
    );
    expect(await Promise.all(appended)).toEqual(['written', 'written', 'written', 'written', 'FULL', 'FULL']);
    expect(await take(readings.from('earliest'), 4)).toEqual(readingsOf(4));
  });

  it('refuses what does not fit at once, also when it would have to wait', async () => {
    const { readings } = await startedMill({ storage: asynchronousDisk(), commitEventsMax: 1 });
    const appended = readingsOf(5).map((row) => readings.append(row));
    let code = '';
    readings.append({ ...reading(1), value: 'x' } as never).catch((error) => (code = error.code));
    await Promise.resolve();
    expect(code).toBe('SCHEMA');
    await Promise.all(appended);
  });
});

describe('what subscribers see', () => {
  const schema = {
    ts: timestamp(),
    device: key(string()),
    single: float32(),
    document: json<{ list: number[] }>(),
    raw: bytes(),
    later: timestamp().optional(),
  };
  const event = () => ({ ts: 1, device: 'd', single: 0.1, document: { list: [1] }, raw: Uint8Array.of(1) });

  it('is what the log has: rounded, converted, complete', async () => {
    const { readings } = await startedMill({}, schema);
    const rows: unknown[] = [];
    readings.subscribe((row) => rows.push(row));
    await readings.append({ ...event(), ts: new Date(5), later: new Date(6) });
    await readings.append({ ...event(), later: null });
    const logged = { ...event(), single: Math.fround(0.1) };
    expect(rows).toStrictEqual([
      { ...logged, ts: 5, later: 6 },
      { ...logged, later: undefined },
    ]);
    expect(await take(readings.from('earliest'), 2)).toStrictEqual(rows);
  });

  it.each([
    ['when there is room', 1_000],
    ['when it has to wait', 1],
  ])('is what was appended, whatever the caller does to his object afterwards: %s', async (_, commitEventsMax) => {
    const { readings } = await startedMill({ storage: asynchronousDisk(), commitEventsMax }, schema);
    const given = event();
    const appended = [1, 2, 3, 4].map((n) => {
      Object.assign(given, { ts: n, device: `d${n}`, single: n });
      given.document.list[0] = n;
      given.raw[0] = n;
      return readings.append(given);
    });
    Object.assign(given, { ts: 99, device: 'mutated', single: 99 });
    given.document.list.push(99);
    given.raw.fill(99);
    await Promise.all(appended);
    const expected = [1, 2, 3, 4].map((n) => ({
      ts: n,
      device: `d${n}`,
      single: n,
      document: { list: [n] },
      raw: Uint8Array.of(n),
      later: undefined,
    }));
    expect(await take(readings.from('earliest'), 4)).toEqual(expected);
  });

  it('is not the bytes of the log: who changes a row changes no one else’s next reading', async () => {
    const { readings } = await startedMill({}, schema);
    await readings.append(event());
    const [row] = await take(readings.from('earliest'), 1);
    row!.raw[0] = 99;
    row!.document.list.push(99);
    const { raw, document } = event();
    expect(await take(readings.from('earliest'), 1)).toMatchObject([{ raw, document }]);
  });

  it('is the same object for all subscribers of the live stream', async () => {
    const { readings } = await startedMill();
    const rows: unknown[] = [];
    readings.subscribe((row) => rows.push(row));
    readings.subscribe((row) => rows.push(row));
    await readings.append(reading(1));
    expect(rows[0]).toBe(rows[1]);
  });
});
