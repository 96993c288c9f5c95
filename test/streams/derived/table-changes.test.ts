import { map, take } from 'rxjs';
import { float64, fold, key, type Millrace, string, timestamp } from '../../../src/index.js';
import { SimulatedStorage } from '../../../src/storage/simulated-storage.js';
import { openDerived, payments } from '../../support/derived-mills.js';

const schema = { ts: timestamp(), account: key(string()), amount: float64() };

const declareVersion = (version: number) => (mill: Millrace) => {
  const source = mill.stream('payments', { schema });
  const copy = mill.stream('copy', { from: source.pipe(map((row) => row)), schema });
  const counts = mill.table('counts', {
    key: 'account',
    version,
    from: source.pipe(fold({ by: 'account', init: () => ({ n: 0 }), add: ({ n }) => ({ n: n + version }) })),
  });
  return { source, copy, counts };
};

const open = async (disk: SimulatedStorage, version = 1) => {
  const opened = await openDerived(disk, declareVersion(version));
  await opened.settled(opened.mill.start());
  return opened;
};

describe('what a table tells', () => {
  it('gives each row of a key once to one who comes in the turn of one', async () => {
    const { source, copy, counts, settled } = await open(new SimulatedStorage({ seed: 1 }));
    const seen: number[] = [];
    copy.pipe(take(1)).subscribe(({ account }) => {
      counts.live(account).subscribe(({ n }) => seen.push(n));
    });
    await settled(source.appendMany(payments(0, 10)));
    expect(seen).toEqual([1, 2, 3, 4]);
  });

  it('keeps nothing for those who went', async () => {
    const { source, counts, settled } = await open(new SimulatedStorage({ seed: 1 }));
    await settled(source.appendMany(payments(0, 2)));
    const kept = (counts as unknown as { byKey: Map<unknown, unknown> }).byKey;
    const seen: number[] = [];
    const first = counts.live('a').subscribe(({ n }) => seen.push(n));
    const second = counts.live('a').subscribe(({ n }) => seen.push(n));
    counts.live('b').pipe(take(1)).subscribe();
    first.unsubscribe();
    await settled(source.appendMany(payments(3, 1)));
    expect(seen).toEqual([1, 1, 2]);
    second.unsubscribe();
    expect(kept.size).toBe(0);
  });

  it('is what is new, where a version is built from history', async () => {
    let opened = await open(new SimulatedStorage({ seed: 1 }));
    await opened.settled(opened.source.appendMany(payments(0, 12)));
    await opened.settled(opened.mill.close());
    opened = await open(opened.disk.kill(), 2);
    const { source, counts, settled, driver } = opened;
    const told: unknown[] = [];
    const live: number[] = [];
    counts.changes.subscribe(({ key, value }) => told.push([key, value.n]));
    counts.live('a').subscribe(({ n }) => live.push(n));
    expect(counts.status).toMatchObject({ state: 'catchingUp', isBuild: true });
    await settled(source.appendMany(payments(12, 2)));
    await settled(driver.pause(1_000));
    expect(counts.get('a')).toEqual({ account: 'a', n: 10 });
    expect(told).toEqual([
      ['a', 10],
      ['b', 10],
    ]);
    expect(live).toEqual([4, 10]);
  });
});
