import fc from 'fast-check';
import { filter, map } from 'rxjs';
import { float64, fold, int32, key, type Millrace, scan, string, timestamp } from '../../../src/index.js';
import { SimulatedStorage } from '../../../src/storage/simulated-storage.js';
import { openDerived, type Payment, payments, recordsOf } from '../../support/derived-mills.js';

const schema = { ts: timestamp(), account: key(string()), amount: float64() };

/** Version 1: amounts from 50 on, counted. Version 2: all of at least 20, with their sum in place of the count. */
const declareVersion = (version: number, retention?: string) => (mill: Millrace) => {
  const source = mill.stream('payments', { schema, ...(retention && { retention }) });
  const large =
    version === 1
      ? mill.stream('large', {
          from: source.pipe(
            filter(({ amount }) => amount >= 50),
            scan((state, { ts, account, amount }) => ({ ts, account, amount, n: state.n + 1 }), {
              ts: 0,
              account: '',
              amount: 0,
              n: 0,
            }),
          ),
          schema: { ...schema, n: int32() },
        })
      : mill.stream('large', {
          version,
          from: source.pipe(
            filter(({ amount }) => amount >= 20),
            fold({
              by: 'account',
              init: () => ({ ts: 0, amount: 0, sum: 0 }),
              add: ({ sum }, { ts, amount }) => ({ ts, amount, sum: sum + amount }),
            }),
          ),
          schema: { ...schema, sum: float64() },
        });
  const counts = mill.table('counts', {
    key: 'account',
    version,
    from: source.pipe(
      fold({ by: 'account', init: () => ({ n: 0 }), add: ({ n }) => ({ n: n + (version === 1 ? 1 : 100) }) }),
    ),
  });
  const doubled = mill.stream('doubled', {
    from: (large as unknown as typeof source).pipe(
      map(({ ts, account, amount }) => ({ ts, account, amount: amount * 2 })),
    ),
    schema,
  });
  return { payments: source, large, counts, doubled };
};

type Opened = Awaited<ReturnType<typeof open>>;
const open = (from: SimulatedStorage, version: number, retention?: string, now?: number) =>
  openDerived(from, declareVersion(version, retention), { checkpointInterval: '1h' }, now);

const largeOf = (all: readonly Payment[], version: number): object[] => {
  const sums = new Map<string, number>();
  let n = 0;
  return all.flatMap(({ ts, account, amount }): object[] => {
    if (version === 1) return amount >= 50 ? [{ ts, account, amount, n: ++n }] : [];
    if (amount < 20) return [];
    sums.set(account, (sums.get(account) ?? 0) + amount);
    return [{ ts, account, amount, sum: sums.get(account) }];
  });
};

const eventsOf = async (stream: unknown, opened: Pick<Opened, 'settled' | 'driver'>): Promise<object[]> =>
  (await recordsOf(stream as Opened['payments'], opened as Opened)).map(({ event }) => event);

const byVersion = (rows: readonly object[]) => rows.map((row) => ('sum' in row && row.sum !== undefined ? 2 : 1));

describe('a new version', () => {
  it('is refused where it is not said to be one', async () => {
    let opened = await open(new SimulatedStorage({ seed: 1 }), 1);
    await opened.settled(opened.mill.start());
    await opened.settled(opened.mill.close());
    const declare = (mill: Millrace) => {
      const source = mill.stream('payments', { schema });
      return {
        payments: source,
        large: mill.stream('large', {
          from: source.pipe(map((row) => row)),
          schema: { ...schema, n: int32().optional() },
        }),
      };
    };
    const other = await openDerived(opened.disk.kill(), declare);
    await expect(other.settled(other.mill.start())).rejects.toThrow(
      /was there: scan .* with version: 2: then it is built anew/,
    );
    opened = await open(other.disk.kill(), 1);
    await opened.settled(opened.mill.start());
  });

  it('is built from history beside the old rows, and takes their place at once', async () => {
    let opened = await open(new SimulatedStorage({ seed: 1 }), 1);
    await opened.settled(opened.mill.start());
    await opened.settled(opened.payments.appendMany(payments(0, 60)));
    await opened.settled(opened.mill.checkpoint());
    await opened.settled(opened.payments.appendMany(payments(60, 10)));
    await opened.settled(opened.mill.close());
    opened = await open(opened.disk.kill(), 2);
    const told: object[] = [];
    (opened.large as unknown as Opened['payments']).subscribe((row) => told.push(row));
    await opened.settled(opened.mill.start());
    // Nothing was read yet.
    expect(opened.large.status).toMatchObject({ state: 'catchingUp', isBuild: true });
    expect(opened.counts.get('a')).toEqual({ account: 'a', n: 24 });
    await opened.settled(opened.payments.appendMany(payments(70, 10)));
    await opened.settled(opened.driver.pause(1_000));
    expect(opened.large.status).not.toHaveProperty('isBuild');
    expect(opened.large.status).toMatchObject({ state: 'live' });
    expect(await eventsOf(opened.large, opened)).toEqual(largeOf(payments(0, 80), 2));
    expect(opened.counts.get('a')).toEqual({ account: 'a', n: 2700 });
    // Those who listen get what is new only.
    expect(told).toEqual(largeOf(payments(0, 80), 2).slice(-told.length));
    expect(told.length).toBe(payments(70, 10).filter(({ amount }) => amount >= 20).length);
    // What reads it goes on with what it reads now.
    const doubled = await eventsOf(opened.doubled, opened);
    expect(doubled).toHaveLength(payments(0, 70).filter(({ amount }) => amount >= 50).length + told.length);
    await opened.settled(opened.mill.close());
    opened = await open(opened.disk.kill(), 2);
    await opened.settled(opened.mill.start());
    expect(
      opened.disk.paths().filter((path) => path.includes('.arrow') || path.includes('.state')).length,
    ).toBeLessThan(20);
    expect(await eventsOf(opened.large, opened)).toEqual(largeOf(payments(0, 80), 2));
    await expect(open(opened.disk.kill(), 1).then((old) => old.settled(old.mill.start()))).rejects.toThrow(
      /is in this mill as version 2, and is declared as version 1/,
    );
  });

  it('can be given up before it is in force', async () => {
    let opened = await open(new SimulatedStorage({ seed: 1 }), 1);
    await opened.settled(opened.mill.start());
    await opened.settled(opened.payments.appendMany(payments(0, 60)));
    await opened.settled(opened.mill.close());
    opened = await open(opened.disk.kill(), 2);
    await opened.settled(opened.mill.start());
    expect(opened.large.status).toMatchObject({ isBuild: true });
    opened = await open(opened.disk.kill(), 1);
    await opened.settled(opened.mill.start());
    await opened.settled(opened.payments.appendMany(payments(60, 20)));
    expect(await eventsOf(opened.large, opened)).toEqual(largeOf(payments(0, 80), 1));
    expect(opened.counts.get('a')).toEqual({ account: 'a', n: 27 });
    await opened.settled(opened.mill.close());
    opened = await open(opened.disk.kill(), 2);
    await opened.settled(opened.mill.start());
    await opened.settled(opened.driver.pause(1_000));
    expect(await eventsOf(opened.large, opened)).toEqual(largeOf(payments(0, 80), 2));
  });

  it.each(['kill', 'cut'] as const)('is there at last, whole, after a %s at any operation', async (how) => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 160 }), fc.boolean(), async (at, withLog) => {
        let opened = await open(new SimulatedStorage({ seed: at }), 1);
        await opened.settled(opened.mill.start());
        await opened.settled(opened.payments.appendMany(payments(0, 40)));
        await opened.settled(opened.mill.checkpoint());
        if (withLog) await opened.settled(opened.payments.appendMany(payments(40, 20)));
        const count = withLog ? 60 : 40;
        const crashed = () => (how === 'cut' ? opened.disk.crash() : opened.disk.kill());
        opened = await open(crashed(), 2);
        opened.disk.crashAt(at);
        opened.mill.start().catch(() => {});
        await opened.settled(opened.driver.pause(1_000));
        opened = await open(crashed(), 2);
        await opened.settled(opened.mill.start());
        const versions = new Set(byVersion(await eventsOf(opened.large, opened)));
        expect(versions.size).toBe(1);
        await opened.settled(opened.driver.pause(1_000));
        expect(await eventsOf(opened.large, opened)).toEqual(largeOf(payments(0, count), 2));
        expect(opened.counts.get('a')).toEqual({ account: 'a', n: Math.ceil(count / 3) * 100 });
        const fingerprint = await opened.settled(opened.mill.fingerprint());
        opened = await open(crashed(), 2);
        await opened.settled(opened.mill.start());
        expect(await opened.settled(opened.mill.fingerprint())).toBe(fingerprint);
        await opened.settled(opened.mill.close());
      }),
      { numRuns: Number(process.env.RUNS ?? 25) },
    );
  });

  it('keeps old rows of before the history of its inputs was cut', async () => {
    const minute = 60_000;
    const START = payments(0, 1)[0]!.ts;
    const inMinutes = (from: number, count: number) =>
      payments(from, count).map((row) => ({ ...row, ts: START + (row.ts - START) * 60 }));
    let opened = await open(new SimulatedStorage({ seed: 1 }), 1, '30m', START);
    await opened.settled(opened.mill.start());
    await opened.settled(opened.payments.appendMany(inMinutes(0, 20)));
    await opened.settled(opened.mill.checkpoint());
    await opened.settled(opened.payments.appendMany(inMinutes(20, 40)));
    await opened.settled(opened.mill.close());
    opened = await open(opened.disk.kill(), 1, '30m', START + 60 * minute);
    await opened.settled(opened.mill.start());
    await opened.settled(opened.payments.appendMany(inMinutes(60, 1)));
    await opened.settled(opened.mill.checkpoint());
    await opened.settled(opened.mill.close());
    const left = inMinutes(0, 61).filter(({ ts }) => ts >= START + 30 * minute);
    opened = await open(opened.disk.kill(), 2, '30m', START + 60 * minute);
    await opened.settled(opened.mill.start());
    expect((await eventsOf(opened.payments, opened)).length).toBe(left.length);
    await opened.settled(opened.driver.pause(1_000));
    const rows = await eventsOf(opened.large, opened);
    const versions = byVersion(rows);
    const firstNew = versions.indexOf(2);
    expect(versions).toEqual(versions.toSorted((a, b) => a - b));
    expect(firstNew).toBeGreaterThan(0);
    // Nothing is missing: what is old is as it was, what is new follows the last segment that had rows of before the cut.
    const old = largeOf(inMinutes(0, 61), 1).slice(0, firstNew);
    expect(rows.slice(0, firstNew)).toEqual(
      old.map((row) => {
        const { n: _, ...rest } = row as Record<string, unknown>;
        return { ...rest, sum: undefined };
      }),
    );
    const last = (old.at(-1) as Payment).ts;
    const next = inMinutes(0, 61).filter(({ ts, amount }) => ts > last && amount >= 20);
    expect(rows.slice(firstNew).map((row) => (row as Payment).ts)).toEqual(next.map(({ ts }) => ts));
  });

  describe('that stops while it is built', () => {
    const minute = 60_000;
    const START = payments(0, 1)[0]!.ts;
    const inMinutes = (from: number, count: number) =>
      payments(from, count).map((row) => ({ ...row, ts: START + (row.ts - START) * 60 }));
    const declare = (version: number, isBroken: boolean) => (mill: Millrace) => {
      const source = mill.stream('payments', { schema, retention: '30m' });
      const versioned = map((row: Payment) => {
        if (isBroken) throw new Error('not yet');
        return { ...row, amount: version };
      });
      return { payments: source, copy: mill.stream('copy', { version, from: source.pipe(versioned), schema }) };
    };
    const start = async (disk: SimulatedStorage, version: number, isBroken = false, now = 50) => {
      const options = { checkpointInterval: '1h' };
      const opened = await openDerived(disk, declare(version, isBroken), options, START + now * minute);
      await opened.settled(opened.mill.start());
      await opened.settled(opened.driver.pause(1_000));
      return opened;
    };
    /** Four segments of an hour, of which retention took the first twenty minutes; the new version has stopped at once. */
    const stopped = async () => {
      let opened = await start(new SimulatedStorage({ seed: 1 }), 1);
      for (const from of [0, 20, 40]) {
        await opened.settled(opened.payments.appendMany(inMinutes(from, 20)));
        if (from < 40) await opened.settled(opened.mill.checkpoint());
      }
      await opened.settled(opened.mill.close());
      opened = await start(opened.disk.kill(), 1);
      await opened.settled(opened.payments.appendMany(inMinutes(60, 2)));
      await opened.settled(opened.mill.close());
      opened = await start(opened.disk.kill(), 2, true);
      expect(opened.copy.status).toMatchObject({ state: 'stopped', isBuild: true });
      return opened;
    };

    it('keeps old rows also where segments are merged before it is in force', async () => {
      let opened = await stopped();
      await opened.settled(opened.payments.appendMany(inMinutes(62, 1)));
      await opened.settled(opened.mill.checkpoint());
      await opened.settled(opened.driver.pause(1_000));
      expect((await eventsOf(opened.copy, opened)).length).toBe(62);
      await opened.settled(opened.mill.close());
      opened = await start(opened.disk.kill(), 2);
      const rows = (await eventsOf(opened.copy, opened)) as Payment[];
      expect(rows.map(({ ts }) => ts)).toEqual(inMinutes(0, 63).map(({ ts }) => ts));
      expect(rows.map(({ amount }) => amount)).toEqual(rows.map((_, at) => (at < 20 ? 1 : 2)));
    });

    it('keeps those of before a later cut, where more of the history went meanwhile', async () => {
      let opened = await stopped();
      await opened.settled(opened.mill.close());
      opened = await start(opened.disk.kill(), 2, true, 75);
      await opened.settled(opened.payments.appendMany(inMinutes(75, 1)));
      await opened.settled(opened.mill.close());
      opened = await start(opened.disk.kill(), 2, false, 75);
      expect((await eventsOf(opened.payments, opened)).length).toBe(18);
      const rows = (await eventsOf(opened.copy, opened)) as Payment[];
      expect(rows.map(({ ts }) => ts)).toEqual([...inMinutes(0, 62), ...inMinutes(75, 1)].map(({ ts }) => ts));
      expect(rows.map(({ amount }) => amount)).toEqual(rows.map((_, at) => (at < 60 ? 1 : 2)));
    });
  });
});
