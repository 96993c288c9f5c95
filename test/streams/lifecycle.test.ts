import { Millrace, type MillStatus } from '../../src/index.js';
import { SimulatedStorage } from '../../src/storage/simulated-storage.js';
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
  watch,
} from '../support/stream-mills.js';

const states = (seen: { values: MillStatus[] }): string[] => seen.values.map(({ state }) => state);

describe('start', () => {
  it('of an empty directory makes a mill, and finds nothing to recover', async () => {
    const { mill } = await startedMill();
    expect(mill.recovery).toMatchObject({
      clean: true,
      commits: 0,
      events: 0,
      nextLsn: 1,
      cut: { commits: 0, bytes: 0 },
    });
    expect(mill.recovery!.duration).toBeGreaterThanOrEqual(0);
  });

  it('after a close is clean, replays no event, and goes on with the lsns', async () => {
    const storage = new SimulatedStorage();
    const first = await startedMill({ storage });
    const { lastLsn } = await first.readings.appendMany(readingsOf(5));
    await first.mill.close();
    const { mill, readings } = await startedMill({ storage });
    expect(mill.recovery).toMatchObject({
      clean: true,
      events: 0,
      nextLsn: lastLsn + 1,
      cut: { commits: 0, bytes: 0, files: [] },
    });
    // The closed mark.
    expect(mill.recovery!.commits).toBe(1);
    expect(await readings.append(reading(5))).toEqual({ lsn: lastLsn + 1 });
    expect(await take(readings.from('earliest'), 6)).toEqual(readingsOf(6));
  });

  it('after a power cut is not clean, and gives no lsn again', async () => {
    const storage = new SimulatedStorage();
    const first = await startedMill({ storage });
    const { lastLsn } = await first.readings.appendMany(readingsOf(5));
    const { mill, readings } = await startedMill({ storage: storage.crash() });
    expect(mill.recovery).toMatchObject({ clean: false, events: 5, cut: { commits: 0 } });
    expect(mill.recovery!.nextLsn).toBeGreaterThan(lastLsn);
    expect((await readings.append(reading(5))).lsn).toBe(mill.recovery!.nextLsn);
    expect(await take(readings.from('earliest'), 6)).toEqual(readingsOf(6));
  });

  it('reports what was written, but never promised, and cuts it', async () => {
    const storage = asynchronousDisk();
    const { readings } = await startedMill({ storage });
    await readings.append(reading(1));
    // Something behind the last frame, which ends with the 1 as a float64.
    const path = '/mill/vgroup-00/current.wal';
    const bytes = storage.contents(path);
    const end = bytes.findLastIndex((byte) => byte !== 0) + 1;
    const torn = new Uint8Array(Math.max(bytes.length, end + 200));
    torn.set(bytes);
    torn.fill(7, end, end + 100);
    storage.replace(path, torn);
    const { mill } = await startedMill({ storage: storage.kill() });
    expect(mill.recovery).toMatchObject({ clean: false, events: 1, cut: { commits: 1 } });
    expect(mill.recovery!.cut.bytes).toBeGreaterThanOrEqual(100);
    expect(mill.recovery!.cut.files).toHaveLength(1);
  });

  it.each([
    ['the directory cannot be made', 'makeDirectory', /./],
    ['a file cannot be opened', 'open', /current/],
    ['the disk cannot read', 'read', /./],
    ['the log cannot be synced', 'sync', /metadata/],
    ['the directory cannot be synced', 'syncDirectory', /./],
    ['it cannot be said in the log', 'write', /metadata.current/],
  ] as const)('may be repeated after it failed: %s', async (_, operation, path) => {
    const storage = asynchronousDisk();
    const mill = newMill({ storage });
    const readings = mill.stream('readings', { schema: readingSchema });
    const seen = watch(mill.status$);
    storage.failAt({ operation, path, nth: 1, code: 'EIO' });
    const error = await failure(mill.start());
    expect(error.name).toBe('MillraceError');
    expect(error.message).toContain('EIO');
    expect(storage.openFiles).toBe(0);
    await mill.start();
    await readings.append(reading(1));
    expect(states(seen).filter((state) => state !== 'poisoned')).toEqual([
      'new',
      'starting',
      'new',
      'starting',
      'live',
    ]);
  });

  it('may be repeated when another mill has let the directory go', async () => {
    const storage = new SimulatedStorage();
    const { mill: holder } = await startedMill({ storage });
    const mill = newMill({ storage });
    expect(await failure(mill.start())).toMatchObject({ code: 'LOCKED', path: '/mill' });
    await holder.close();
    await mill.start();
  });
});

describe('close', () => {
  it('tells the states on the way, then completes', async () => {
    const mill = newMill();
    const seen = watch(mill.status$);
    await mill.start();
    await mill.close();
    expect(seen).toMatchObject({ state: 'completed' });
    const told = seen.values.map((status) => ('checkpoint' in status ? status.checkpoint?.kind : status.state));
    expect(told).toEqual([
      'new',
      'starting',
      'live',
      'closing',
      'started',
      'step',
      'step',
      'step',
      'completed',
      'closed',
    ]);
    expect(new Set(states(seen))).toEqual(new Set(['new', 'starting', 'live', 'closing', 'closed']));
  });

  it('may be called again, and of a mill that was never started', async () => {
    const { mill } = await startedMill();
    expect(mill.close()).toBe(mill.close());
    await mill.close();
    await new Millrace('/never', { storage: new SimulatedStorage() }).close();
  });

  it('is what `await using` calls', async () => {
    const storage = new SimulatedStorage();
    const { mill } = await startedMill({ storage });
    await mill[Symbol.asyncDispose]();
    await startedMill({ storage });
  });

  it('waits for everything that was appended, also for what waits for room; then nothing more is taken', async () => {
    const { mill, readings } = await startedMill({ storage: asynchronousDisk(), commitEventsMax: 3 });
    const ones = readingsOf(20).map((row) => readings.append(row));
    const many = readings.appendMany(readingsOf(20, 20));
    const columns = readings.appendColumns({
      ts: [1, 2, 3, 4, 5],
      device: Array(5).fill('d'),
      value: [40, 41, 42, 43, 44],
    });
    const closed = mill.close();
    expect((await failure(readings.append(reading(99)))).code).toBe('CLOSED');
    expect((await failure(readings.appendMany([reading(99)]))).code).toBe('CLOSED');
    await closed;
    expect((await Promise.all(ones)).at(-1)!.lsn).toBeGreaterThan(0);
    expect(await many).toMatchObject({ count: 20 });
    expect(await columns).toMatchObject({ count: 5 });
    expect(mill.metrics()).toMatchObject({ events: 45, queue: { filling: 0, waiting: 0 } });
  });

  it('during start ends it first', async () => {
    const storage = asynchronousDisk();
    const mill = newMill({ storage });
    const started = mill.start();
    await mill.close();
    await started;
    expect(storage.openFiles).toBe(0);
    await startedMill({ storage });
  });

  it('leaves no file open and no timer behind', async () => {
    const disk = new HeldDisk();
    const { mill, readings } = await disk.until(startedMill({ storage: disk.storage, vgroups: 5 }));
    await disk.until(readings.append(reading(1)));
    await disk.until(mill.close());
    expect(disk.storage.openFiles).toBe(0);
  });

  it('with a full disk says why there is no checkpoint, and frees the directory', async () => {
    const storage = asynchronousDisk();
    const { mill, readings } = await startedMill({ storage });
    await readings.append(reading(1));
    const heal = storage.failAt({ operation: 'write', nth: 1, times: Number.POSITIVE_INFINITY, code: 'ENOSPC' });
    expect(await failure(mill.close())).toMatchObject({ code: 'ENOSPC' });
    heal();
    expect(storage.openFiles).toBe(0);
    const again = await startedMill({ storage });
    expect(again.mill.recovery).toMatchObject({ clean: false, events: 1 });
  });
});

describe('a mill whose sync failed', () => {
  it('says so, takes nothing more, reads on, closes with the reason, and recovers', async () => {
    const storage = asynchronousDisk();
    const { mill, readings } = await startedMill({ storage });
    const seen = watch(mill.status$);
    const live = watch(readings);
    await readings.append(reading(0));
    storage.failAt({ operation: 'sync', nth: 1, code: 'EIO' });
    const error = await failure(readings.append(reading(1)));
    expect(error).toMatchObject({ code: 'OUTCOME_UNKNOWN' });
    expect(await failure(readings.append(reading(2)))).toMatchObject({ code: 'POISONED', cause: error });
    expect(seen.values.at(-1)).toEqual({ state: 'poisoned', failure: error });
    expect(await take(readings.from('earliest'), 1)).toEqual([reading(0)]);
    expect(await failure(mill.close())).toBe(error);
    expect(live.state).toBe('completed');
    expect(states(seen)).toEqual(['live', 'poisoned', 'closing', 'closed']);
    const again = await startedMill({ storage });
    expect(again.mill.recovery!.clean).toBe(false);
    const rows = await take(again.readings.from('earliest'), again.mill.recovery!.events);
    expect(rows).toEqual(readingsOf(rows.length));
  });
});
