import { defer, EMPTY, type Observable } from 'rxjs';
import { type Manifest, readManifest } from '../../src/snapshots/manifest.js';
import { ManifestKeeper } from '../../src/snapshots/manifest-keeper.js';
import { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import type { Hash } from '../../src/wal/hash.js';
import { now } from '../support/log-files.js';
import { hashing } from '../support/log-mill.js';

const FIRST: Manifest = {
  format: 1,
  sequence: 3,
  databaseId: '0f'.repeat(16),
  vgroups: 1,
  commit: 10,
  nextLsn: 100,
  ceiling: 200,
  logs: [1, 1],
  streams: [],
  segments: [],
};

let hash: Hash;
beforeAll(async () => {
  hash = await hashing();
});

const keeperOn = (storage: SimulatedStorage) => {
  storage.replace('/mill/LOCK', new Uint8Array(0));
  return new ManifestKeeper({ storage, directory: '/mill', hash }, FIRST);
};
const onDisk = (storage: SimulatedStorage) => now(readManifest(storage, '/mill', hash))!;
const raised = (current: Manifest): Manifest => ({ ...current, commit: current.commit + 1 });
const nothing = () => EMPTY;

/** Makes an update; notes what happens, and what it left to be discarded. */
function update(keeper: ManifestKeeper, name: string, log: string[], change = raised): void {
  const discard = (): Observable<never> =>
    defer(() => {
      log.push(`${name} discarded`);
      return EMPTY;
    });
  keeper
    .update(change, ({ commit }) => log.push(`${name} in force: ${commit}`), discard)
    .subscribe({
      next: ({ commit, sequence }) => log.push(`${name} emits ${commit}, ${sequence}`),
      error: (error: { code: string }) => log.push(`${name} fails: ${error.code}`),
      complete: () => log.push(`${name} ends`),
    });
}

describe('ManifestKeeper', () => {
  it('writes both copies, then the manifest is in force', () => {
    const storage = new SimulatedStorage();
    const keeper = keeperOn(storage);
    const log: string[] = [];
    update(keeper, 'a', log);
    expect(log).toEqual(['a in force: 11', 'a emits 11, 4', 'a ends']);
    expect(keeper.current).toEqual({ ...FIRST, sequence: 4, commit: 11 });
    expect(onDisk(storage)).toEqual({ manifest: keeper.current, isWhole: true });
  });

  it('makes changes one after the other, each on top of the one before', () => {
    const clock = new VirtualClock();
    const storage = new SimulatedStorage({ scheduler: clock, latency: 1 });
    const keeper = keeperOn(storage);
    const log: string[] = [];
    for (const name of ['a', 'b', 'c']) update(keeper, name, log);
    expect(log).toEqual([]);
    clock.advanceBy(1_000);
    expect(log).toEqual(
      ['a', 'b', 'c'].flatMap((name, at) => [
        `${name} in force: ${11 + at}`,
        `${name} emits ${11 + at}, ${4 + at}`,
        `${name} ends`,
      ]),
    );
    expect(onDisk(storage.kill({ scheduler: undefined })).manifest.commit).toBe(13);
  });

  it('whose writing fails keeps the old one in force, and what the new one named until the next is durable', () => {
    for (let nth = 1; nth <= 12; nth++) {
      const storage = new SimulatedStorage();
      const keeper = keeperOn(storage);
      now(keeper.update(raised, nothing as never, nothing));
      const log: string[] = [];
      storage.failAt({ nth, code: 'EIO' });
      update(keeper, 'a', log);
      expect(log).toEqual(['a fails: EIO']);
      expect(keeper.current.commit).toBe(11);
      expect([11, 12]).toContain(onDisk(storage).manifest.commit);
      update(keeper, 'b', log);
      expect(log).toEqual(['a fails: EIO', 'b in force: 12', 'a discarded', 'b emits 12, 6', 'b ends']);
      // It counts, whatever the one that failed has left.
      expect(onDisk(storage)).toEqual({ manifest: keeper.current, isWhole: true });
      update(keeper, 'c', log);
      expect(log.filter((line) => line === 'a discarded')).toHaveLength(1);
    }
  });

  it('goes on with those who wait after one that failed', () => {
    const clock = new VirtualClock();
    const storage = new SimulatedStorage({ scheduler: clock, latency: 1 });
    const keeper = keeperOn(storage);
    const log: string[] = [];
    storage.failAt({ operation: 'sync', nth: 1, code: 'EIO' });
    update(keeper, 'a', log);
    update(keeper, 'b', log);
    clock.advanceBy(1_000);
    expect(log).toEqual(['a fails: EIO', 'b in force: 11', 'a discarded', 'b emits 11, 5', 'b ends']);
  });

  it('goes on after a change that throws', () => {
    const keeper = keeperOn(new SimulatedStorage());
    const log: string[] = [];
    update(keeper, 'a', log, () => {
      throw Object.assign(new Error('no'), { code: 'OWN' });
    });
    update(keeper, 'b', log);
    expect(log[0]).toBe('a fails: OWN');
    expect(log).toContain('b ends');
  });
});
