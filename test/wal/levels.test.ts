import { METADATA } from '../../src/wal/format.js';
import { FLUSH_SYNC_MS, IDLE_MS } from '../../src/wal/upkeep.js';
import { logPath } from '../support/log-mill.js';
import { framesIn } from '../support/log-oracle.js';
import { type RigOptions, WriterRig } from '../support/log-writer.js';

const slow = (operation: string) => (operation === 'write' || operation === 'sync' ? 10 : 0);

/** A rig with a synced commit behind it. */
async function warm(options: RigOptions): Promise<WriterRig> {
  const rig = await WriterRig.open({ ...options, latency: slow });
  rig.write(0);
  rig.told.length = rig.applied.length = rig.syncedAt.length = 0;
  return rig;
}

const metadataFrames = (rig: WriterRig) => framesIn(rig.storage.contents(logPath(METADATA)));
const recordsIn = async (rig: WriterRig, vgroups = 1) =>
  (await WriterRig.recovered(rig.storage.kill(), vgroups)).commits.flatMap(({ records }) =>
    records.map(({ kind }) => kind),
  );

describe('level sync', () => {
  it('tells after the sync', async () => {
    const rig = await warm({ level: 'sync' });
    const start = rig.clock.now();
    rig.append(1);
    rig.clock.advanceBy(19);
    expect(rig.told).toEqual([]);
    rig.clock.advanceBy(1);
    expect(rig.told).toEqual(['1@2']);
    expect(rig.syncedAt).toEqual([start + 10]);
  });

  it('writes one mark when it falls idle, which says that everything before is durable', async () => {
    const rig = await warm({ level: 'sync' });
    rig.write(1);
    rig.clock.advanceBy(IDLE_MS - 1);
    expect(metadataFrames(rig)).toHaveLength(1);
    rig.clock.advanceBy(10 * IDLE_MS);
    expect(metadataFrames(rig).at(-1)).toMatchObject({ commit: 3, durable: 2 });
    expect(await recordsIn(rig)).toEqual(['ceiling', 'mark']);
  });

  it('marks again after more was written, and not while something is', async () => {
    const rig = await warm({ level: 'sync' });
    for (let number = 1; number <= 4; number++) {
      rig.write(number);
      rig.clock.advanceBy(IDLE_MS - 100);
    }
    expect(metadataFrames(rig)).toHaveLength(1);
    rig.clock.advanceBy(2 * IDLE_MS);
    rig.write(5);
    rig.clock.advanceBy(2 * IDLE_MS);
    expect(metadataFrames(rig).map(({ commit, durable }) => [commit, durable])).toEqual([
      [1, 0],
      [6, 5],
      [8, 7],
    ]);
  });
});

describe('level flush', () => {
  it('tells when the system has the commit, before any sync', async () => {
    const rig = await warm({ level: 'flush' });
    rig.append(1);
    rig.clock.advanceBy(10);
    expect(rig.told).toEqual(['1@2']);
    expect(rig.syncedAt).toEqual([]);
    const { numbers } = await WriterRig.recovered(rig.storage.kill());
    expect(numbers).toEqual([[0], [1]]);
  });

  it('syncs a second after the last commit, then marks it', async () => {
    const rig = await warm({ level: 'flush', vgroups: 2 });
    const idle = rig.clock.now() + 10 + IDLE_MS;
    rig.append(1, 0);
    rig.append(2, 1);
    rig.clock.advanceBy(10 * IDLE_MS);
    // Both VGroups at once; then the mark is written and synced.
    expect(rig.syncedAt).toEqual([idle, idle, idle + 20]);
    expect(metadataFrames(rig).at(-1)).toMatchObject({ commit: 3, durable: 2 });
  });

  it('syncs every five seconds under load', async () => {
    const rig = await warm({ level: 'flush' });
    const start = rig.clock.now();
    for (let number = 1; number <= 200; number++) {
      rig.write(number);
      rig.clock.advanceBy(90);
    }
    const times = [start, ...rig.syncedAt, rig.clock.now()];
    const gaps = times.slice(1).map((at, index) => at - times[index]!);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(FLUSH_SYNC_MS + 10);
    expect(rig.syncedAt).toHaveLength(4);
    expect(metadataFrames(rig)).toHaveLength(1);
  });

  it('says in each frame which commit was synced, not which one was written', async () => {
    const rig = await warm({ level: 'flush' });
    for (const number of [1, 2]) rig.write(number);
    rig.clock.advanceBy(2 * IDLE_MS);
    rig.write(3);
    const frames = framesIn(rig.storage.contents(logPath(0)));
    expect(frames.map(({ commit, durable }) => [commit, durable])).toEqual([
      [1, 0],
      [2, 1],
      [3, 1],
      [5, 4],
    ]);
  });

  it('makes a record durable before it is told, and with it everything before', async () => {
    const rig = await warm({ level: 'flush', vgroups: 2 });
    rig.append(1, 0);
    rig.append(2, 1);
    rig.clock.advanceBy(10);
    rig.writer.record({ kind: 'mark' }, rig.receipt('record'));
    rig.clock.advanceBy(30);
    expect(rig.told).toEqual(['1@2', '2@3', 'record']);
    for (let cut = 0; cut < 20; cut++) {
      const { numbers, log } = await WriterRig.recovered(rig.storage.crash(), 2);
      expect(numbers).toEqual([[0], [1, 2]]);
      expect(log.commit).toBe(3);
    }
  });

  it('loses no more than a suffix of what was not synced when the power fails', async () => {
    const counts = new Set<number>();
    for (let seed = 0; seed < 60; seed++) {
      const rig = await warm({ level: 'flush', vgroups: 2, seed });
      for (let number = 1; number <= 3; number++) rig.write(number, number % 2);
      rig.clock.advanceBy(2 * IDLE_MS);
      for (let number = 4; number <= 8; number++) rig.write(number, number % 2);
      const { numbers } = await WriterRig.recovered(rig.storage.crash(), 2);
      expect(numbers.flat()).toEqual([...numbers.keys()]);
      expect(numbers.length).toBeGreaterThanOrEqual(4);
      counts.add(numbers.length);
    }
    expect(counts.size).toBeGreaterThan(2);
  });
});

describe('level off', () => {
  it('writes no events: they are applied, told, and gone after a restart', async () => {
    const rig = await WriterRig.open({ level: 'off', vgroups: 2 });
    rig.write(1, 0);
    rig.write(2, 1);
    rig.clock.advanceBy(60_000);
    expect(rig.applied).toEqual([[1], [2]]);
    expect(rig.told).toEqual(['1@1', '2@2']);
    expect([0, 1].map((vgroup) => rig.storage.contents(logPath(vgroup)).length)).toEqual([64, 64]);
    const { log, numbers } = await WriterRig.recovered(rig.storage.kill(), 2);
    expect(numbers).toEqual([]);
    expect(log.nextLsn).toBeGreaterThan(2);
  });

  it('writes records all the same, durably, in commits of the metadata log alone', async () => {
    const rig = await WriterRig.open({ level: 'off' });
    rig.append(1);
    rig.writer.record({ kind: 'mark' }, rig.receipt('record'));
    rig.clock.step();
    rig.write(2);
    rig.writer.record({ kind: 'mark' });
    rig.clock.step();
    expect(rig.told).toEqual(['1@1', 'record', '2@2']);
    expect(metadataFrames(rig).map(({ commit, participants }) => [commit, participants])).toEqual([
      [1, 1n << 63n],
      [2, 1n << 63n],
    ]);
    const { log } = await WriterRig.recovered(rig.storage.crash());
    expect(log.commit).toBe(2);
  });
});
