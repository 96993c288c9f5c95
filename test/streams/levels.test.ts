import { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import {
  newMill,
  reading,
  readingSchema,
  readingsOf,
  startedMill,
  take,
  tick,
  watch,
} from '../support/stream-mills.js';

const syncs = (storage: SimulatedStorage): number => storage.history.filter((line) => / sync /.test(line)).length;

/** A mill whose time stands still until it is told to go on. */
async function timedMill(options: Parameters<typeof newMill>[0]) {
  const clock = new VirtualClock(Date.UTC(2024, 0, 1));
  const storage = new SimulatedStorage();
  const mill = newMill({ ...options, storage, scheduler: clock });
  const readings = mill.stream('readings', { schema: readingSchema });
  const now = async <T>(promise: Promise<T>): Promise<T> => {
    let isSettled = false;
    const settled = () => {
      isSettled = true;
    };
    promise.then(settled, settled);
    while (!isSettled) {
      clock.advanceBy(0);
      await tick();
    }
    return promise;
  };
  await now(mill.start());
  return { mill, readings, storage, clock, now };
}

describe('level sync', () => {
  it('syncs every commit before it is acknowledged: a power cut loses nothing', async () => {
    for (let seed = 0; seed < 20; seed++) {
      const storage = new SimulatedStorage({ seed });
      const { readings } = await startedMill({ storage, vgroups: 3 });
      await Promise.all(readingsOf(20).map((row) => readings.append(row)));
      const again = await startedMill({ storage: storage.crash() });
      expect(await take(again.readings.from('earliest'), 20)).toEqual(readingsOf(20));
    }
  });

  it('writes a mark when the log falls idle: then all of it is known to be durable', async () => {
    const { mill, readings, clock, now } = await timedMill({ walLevel: 'sync' });
    await now(readings.append(reading(1)));
    const { commit, durableCommit } = mill.metrics();
    expect(durableCommit).toBe(commit);
    clock.advanceBy(999);
    expect(mill.metrics().commit).toBe(commit);
    clock.advanceBy(1);
    expect(mill.metrics()).toMatchObject({ commit: commit + 1, durableCommit: commit + 1 });
    clock.advanceBy(60_000);
    expect(mill.metrics().commit).toBe(commit + 1);
    await now(mill.close());
  });
});

describe('level flush', () => {
  it('acknowledges without a sync, and syncs when the log falls idle', async () => {
    const { mill, readings, storage, clock, now } = await timedMill({ walLevel: 'flush' });
    const before = syncs(storage);
    const { durableCommit } = mill.metrics();
    await now(readings.append(reading(1)));
    expect(syncs(storage)).toBe(before);
    expect(mill.metrics()).toMatchObject({ durableCommit, commit: durableCommit + 1 });
    clock.advanceBy(1_000);
    expect(mill.metrics().durableCommit).toBe(mill.metrics().commit);
    await now(mill.close());
  });

  it('syncs every five seconds under load', async () => {
    const { mill, readings, clock, now } = await timedMill({ walLevel: 'flush' });
    const durable = new Set<number>();
    for (let n = 0; n < 120; n++) {
      await now(readings.append(reading(n)));
      durable.add(mill.metrics().durableCommit);
      clock.advanceBy(100);
    }
    expect(durable.size).toBeGreaterThanOrEqual(2);
    expect(durable.size).toBeLessThanOrEqual(4);
    await now(mill.close());
  });

  it('loses nothing when the process is killed, and keeps a prefix when the power is cut', async () => {
    for (let seed = 0; seed < 20; seed++) {
      const storage = new SimulatedStorage({ seed });
      const { readings } = await startedMill({ storage, walLevel: 'flush', commitEventsMax: 3 });
      await readings.appendMany(readingsOf(30));
      const killed = storage.kill();
      const again = await startedMill({ storage: killed });
      expect(again.mill.recovery!.events).toBe(30);
      const cut = await startedMill({ storage: storage.crash() });
      const { events } = cut.mill.recovery!;
      expect(await take(cut.readings.from('earliest'), events)).toEqual(readingsOf(events));
    }
  });
});

describe('level off', () => {
  it('acknowledges from memory, emits as ever, and keeps everything across a clean close', async () => {
    const storage = new SimulatedStorage();
    const { mill, readings } = await startedMill({ storage, walLevel: 'off' });
    const seen = watch(readings);
    // Its log files for the next checkpoint are prepared in the background.
    await tick();
    const { operations } = storage;
    const { lastLsn } = await readings.appendMany(readingsOf(10));
    await readings.append(reading(10));
    expect(seen.values).toEqual(readingsOf(11));
    expect(storage.operations).toBe(operations);
    expect(mill.metrics()).toMatchObject({ events: 11, bytes: expect.any(Number) });
    await mill.close();
    const again = await startedMill({ storage });
    expect(again.mill.recovery).toMatchObject({ clean: true, events: 0 });
    expect(again.mill.streamNames).toEqual(['readings']);
    expect(await take(again.readings.from('earliest'), 11)).toEqual(readingsOf(11));
    // An lsn that was seen is never given again.
    expect((await again.readings.append(reading(1))).lsn).toBeGreaterThan(lastLsn);
  });
});

describe('level off with checkpoints', () => {
  it.each(['kill', 'crash'] as const)('goes back to the last checkpoint after a %s, whole', async (end) => {
    for (let seed = 0; seed < 10; seed++) {
      const storage = new SimulatedStorage({ seed });
      const { mill, readings } = await startedMill({ storage, walLevel: 'off', vgroups: 3 });
      await readings.appendMany(readingsOf(20));
      await mill.checkpoint();
      const saved = await mill.fingerprint();
      const { lastLsn } = await readings.appendMany(readingsOf(20, 20));
      const again = await startedMill({ storage: end === 'kill' ? storage.kill() : storage.crash(), walLevel: 'off' });
      expect(await again.mill.fingerprint()).toBe(saved);
      expect(await take(again.readings.from('earliest'), 20)).toEqual(readingsOf(20));
      // An lsn that was seen is never given again.
      const { lsn } = await again.readings.append(reading(20));
      expect(lsn).toBeGreaterThan(lastLsn);
      await again.mill.checkpoint();
      expect(await take(again.readings.records(lsn), 1)).toEqual([{ lsn, index: 0, event: reading(20) }]);
    }
  });

  it('goes back to a stream that was declared, and has nothing', async () => {
    const storage = new SimulatedStorage();
    const { readings } = await startedMill({ storage, walLevel: 'off' });
    await readings.appendMany(readingsOf(20));
    const again = await startedMill({ storage: storage.crash() });
    expect(await again.readings.count()).toBe(0);
    expect(again.mill.streamNames).toEqual(['readings']);
  });

  it('may be changed from start to start', async () => {
    let storage = new SimulatedStorage();
    for (const [at, walLevel] of (['off', 'sync', 'off', 'flush', 'sync'] as const).entries()) {
      const { mill, readings } = await startedMill({ storage, walLevel });
      await readings.appendMany(readingsOf(10, at * 10));
      if (walLevel === 'off') await mill.checkpoint();
      storage = storage.kill();
    }
    const { readings } = await startedMill({ storage });
    expect(await take(readings.from('earliest'), 50)).toEqual(readingsOf(50));
    const lsns = (await take(readings.records('earliest'), 50)).map(({ lsn }) => lsn);
    expect(lsns).toEqual([...new Set(lsns)].sort((a, b) => a - b));
  });

  it('holds a bounded amount in memory', async () => {
    const { mill, readings } = await startedMill({ walLevel: 'off', checkpointBytes: 20_000 });
    for (let n = 0; n < 50; n++) {
      await readings.appendMany(readingsOf(100, n * 100));
      await tick();
      expect(mill.metrics().unsavedBytes).toBeLessThan(30_000);
    }
    expect(await readings.count()).toBe(5_000);
  });
});

describe('metrics', () => {
  it('count events, commits and bytes since start, and how long commits took', async () => {
    const { mill, readings } = await startedMill();
    const before = mill.metrics();
    expect(before).toMatchObject({ events: 0, commitsRejected: 0, queue: { filling: 0, waiting: 0 } });
    await readings.appendMany(readingsOf(100));
    await readings.append(reading(100));
    const after = mill.metrics();
    expect(after).toMatchObject({ events: 101, commits: before.commits + 2, commit: before.commit + 2, nextLsn: 102 });
    expect(after.bytes).toBeGreaterThan(before.bytes + 101 * 16);
    expect(after.logBytes - before.logBytes).toBe(after.bytes - before.bytes);
    const { count, mean, p50, p99, p999, max } = after.commitLatency;
    expect(count).toBe(after.commits);
    expect([p50, p99, p999, max]).toEqual([p50, p99, p999, max].toSorted((a, b) => a - b));
    expect(mean).toBeGreaterThan(0);
  });

  it('count commits that could not be written, and what waits', async () => {
    const storage = new SimulatedStorage();
    const { mill, readings } = await startedMill({ storage });
    storage.failAt({ operation: 'write', nth: 1, code: 'ENOSPC' });
    const appended = readings.append(reading(1)).catch(() => {});
    expect(mill.metrics().queue.filling).toBe(1);
    await appended;
    expect(mill.metrics()).toMatchObject({ commitsRejected: 1, events: 0 });
  });

  it('measure the latency on the clock of the mill', async () => {
    const clock = new VirtualClock();
    const storage = new SimulatedStorage({ scheduler: clock, latency: 5 });
    const mill = newMill({ storage, scheduler: clock });
    const readings = mill.stream('readings', { schema: readingSchema });
    let isDone = false;
    const done = mill
      .start()
      .then(() => readings.append(reading(1)))
      .then(() => {
        isDone = true;
      });
    while (!isDone) {
      clock.step();
      await tick();
    }
    await done;
    // A write and a sync.
    expect(mill.metrics().commitLatency.p50).toBeCloseTo(10, 1);
    let isClosed = false;
    void mill.close().then(() => {
      isClosed = true;
    });
    while (!isClosed) {
      clock.step();
      await tick();
    }
  });
});
