import { filter, map, merge, type Observable, tap } from 'rxjs';
import {
  count,
  float64,
  fold,
  type KeyDifference,
  key,
  type Millrace,
  type Replayed,
  type ReplayReport,
  string,
  sum,
  timestamp,
  tumbling,
  verifyReplay,
  windowed,
} from '../../../src/index.js';
import { SimulatedStorage } from '../../../src/storage/simulated-storage.js';
import { openDerived, type Payment, payments } from '../../support/derived-mills.js';

const PAYMENTS = { ts: timestamp(), account: key(string()), amount: float64() };

interface Window {
  readonly n: number;
  readonly total: number;
  readonly count: number;
  readonly revision: number;
}

/** How the pipelines of a program may change without a change of their shape. */
interface Code {
  readonly threshold?: number;
  readonly fee?: number;
  readonly isBad?: (amount: number) => boolean;
}

/** Windows with late corrections and late events, a chain, tables, dead letters. */
const declareWith =
  ({ threshold = 50, fee = 0, isBad = (amount) => amount === 13 }: Code = {}) =>
  (mill: Millrace) => {
    const source = mill.stream('payments', { schema: PAYMENTS });
    const large = mill.stream('large', {
      schema: PAYMENTS,
      from: source.pipe(filter(({ amount }) => amount > threshold)),
    });
    const perMinute = mill.stream('per_minute', {
      from: large.pipe(
        windowed(tumbling('1m'), {
          by: 'account',
          lateness: '5s',
          late: { correct: '2m' },
          aggregate: { n: count(), total: sum('amount') },
        }),
      ),
    });
    const strict = mill.stream('strict', {
      from: source.pipe(windowed(tumbling('10s'), { by: 'account', late: 'side', aggregate: { n: count() } })),
    });
    const balances = mill.table('balances', {
      key: 'account',
      from: source.pipe(
        fold({
          by: 'account',
          init: () => ({ balance: 0 }),
          add: ({ balance }, { amount }) => ({ balance: balance + amount - fee }),
        }),
      ),
    });
    const checked = mill.stream('checked', {
      schema: PAYMENTS,
      onError: 'deadLetter',
      from: source.pipe(
        map((row) => {
          if (isBad(row.amount)) throw new Error(`${row.amount} is bad`);
          return row;
        }),
      ),
    });
    const last = mill.table('last', { key: 'account', from: merge(large, checked) });
    return { payments: source, large, perMinute, strict, balances, checked, last };
  };

type Opened = Awaited<ReturnType<typeof opened>>;
const opened = (disk: SimulatedStorage) => openDerived(disk, declareWith());

/** Payments of which every seventh is late. */
const some = (from: number, count: number) =>
  payments(from, count).map((row, at) => (at % 7 === 3 ? { ...row, ts: row.ts - 70_000 } : row));

async function append(mill: Pick<Opened, 'settled' | 'payments'>, from: number, count: number): Promise<void> {
  for (let at = from; at < from + count; at += 25) await mill.settled(mill.payments.appendMany(some(at, 25)));
}

/** What a crash leaves after checkpoints, merges, and a crash before. */
async function crashed(): Promise<SimulatedStorage> {
  let mill = await opened(new SimulatedStorage({ seed: 1 }));
  await mill.settled(mill.mill.start());
  for (let part = 0; part < 6; part++) {
    await append(mill, part * 100, 100);
    if (part !== 3) await mill.settled(mill.mill.checkpoint());
    if (part !== 3) continue;
    mill = await opened(mill.disk.crash());
    await mill.settled(mill.mill.start());
  }
  await mill.settled(mill.driver.pause(10_000));
  await append(mill, 600, 50);
  return mill.disk.kill();
}

async function replayed(disk: SimulatedStorage, declare: (mill: Millrace) => unknown): Promise<ReplayReport> {
  const { clock, disk: storage, settled } = await openDerived(disk, () => ({}));
  return settled(verifyReplay('ledger', declare, { storage, scheduler: clock }));
}

const named = ({ derived }: ReplayReport, name: string) => derived.find((one) => one.name === name)!;

describe('a replay', () => {
  it('finds what is stored, where the pipelines are those that wrote it', async () => {
    const disk = await crashed();
    const report = await replayed(disk, declareWith());
    expect(report.derived.map(({ name, difference }) => [name, difference])).toEqual(
      ['large', 'per_minute', 'strict', 'strict.late', 'balances', 'checked', 'checked.dead', 'last'].map((name) => [
        name,
        null,
      ]),
    );
    expect(report).toMatchObject({ same: true, notReplayed: [] });
    for (const { equal } of report.derived) expect(equal).toBeGreaterThan(2);
    expect(named(report, 'large').equal).toBe(some(0, 600).filter(({ amount }) => amount > 50).length);
  });

  /** Of the first payments, the lsn of the first one that is so. */
  const firstLsn = (is: (amount: number) => boolean) => some(0, 300).findIndex(({ amount }) => is(amount)) + 1;
  const differing = ({ derived }: ReplayReport) =>
    derived.filter(({ difference }) => difference).map(({ name }) => name);

  it('names the first row that the pipeline does not give, and the windows over it', async () => {
    const report = await replayed(await crashed(), declareWith({ threshold: 51 }));
    expect(report.same).toBe(false);
    // The last rows of accounts are not of 51 each.
    expect(differing(report)).toEqual(['large', 'per_minute']);
    const lsn = firstLsn((amount) => amount === 51);
    const { difference } = named(report, 'large');
    expect(difference).toMatchObject({ kind: 'row', lsn, index: 0, stored: { amount: 51 }, derived: null });
    const { stored, derived } = named(report, 'per_minute').difference as { stored: Window; derived: Window };
    const { n, total, count, revision: _, ...window } = derived;
    expect(stored).toMatchObject({ ...window, n: n + 1, count: count + 1, total: total + 51 });
  });

  it('names the first row that is not stored', async () => {
    const report = await replayed(await crashed(), declareWith({ threshold: 49 }));
    const lsn = firstLsn((amount) => amount === 50);
    const { difference } = named(report, 'large');
    expect(difference).toMatchObject({ kind: 'row', lsn, index: 0, stored: null, derived: { amount: 50 } });
  });

  it('names a key of a table with both rows', async () => {
    const report = await replayed(await crashed(), declareWith({ fee: 1 }));
    expect(differing(report)).toEqual(['balances']);
    const found = named(report, 'balances').difference as KeyDifference;
    const amounts = some(0, 600).filter(({ account }) => account === found.key);
    const balance = amounts.reduce((sum, { amount }) => sum + amount, 0);
    expect(found).toEqual({
      kind: 'key',
      key: found.key,
      stored: { account: found.key, balance },
      derived: { account: found.key, balance: balance - amounts.length },
    });
  });

  it('names a dead letter, and the row in its place', async () => {
    const report = await replayed(await crashed(), declareWith({ isBad: (amount) => amount === 26 }));
    const places = [13, 26].map((wanted) => firstLsn((amount) => amount === wanted));
    const isDeadFirst = places[0]! < places[1]!;
    const [stored, derived] = [expect.anything(), null];
    expect(named(report, 'checked.dead').difference).toMatchObject({
      lsn: Math.min(...places),
      ...(isDeadFirst ? { stored, derived } : { stored: derived, derived: stored }),
    });
    expect(named(report, 'checked').difference).toMatchObject({ lsn: Math.min(...places) });
  });

  it('says where a pipeline throws that did not', async () => {
    const throwing = (mill: Millrace) => {
      const { payments: source } = declareWith()(mill);
      return source;
    };
    const disk = await crashed();
    const declare = (mill: Millrace) => {
      const original = mill.table.bind(mill);
      mill.table = ((name: string, options: { from: Observable<{ amount: number }> }) => {
        const from = options.from.pipe(
          tap(({ amount }) => {
            if (amount === 99) throw new Error('no more');
          }),
        );
        return original(name, (name === 'last' ? { ...options, from } : options) as never);
      }) as never;
      return throwing(mill);
    };
    const report = await replayed(disk, declare);
    const { difference } = named(report, 'last');
    expect(difference).toMatchObject({ kind: 'failure', lsn: firstLsn((amount) => amount === 99) });
    expect(differing(report)).toEqual(['last']);
  });

  it('refuses a pipeline of another shape, and a mill that is open', async () => {
    const disk = await crashed();
    const other = (mill: Millrace) => {
      const source = mill.stream('payments', { schema: PAYMENTS });
      mill.stream('large', { schema: PAYMENTS, from: merge(source, source) });
    };
    await expect(replayed(disk, other)).rejects.toMatchObject({ code: 'SCHEMA_CHANGED', stream: 'large' });
    const mill = await opened(disk);
    await mill.settled(mill.mill.start());
    const open = verifyReplay('ledger', declareWith(), { storage: mill.disk, scheduler: mill.clock });
    await expect(mill.settled(open)).rejects.toMatchObject({ code: 'LOCKED' });
    const nowhere = verifyReplay('nowhere', declareWith(), { storage: mill.disk, scheduler: mill.clock });
    await expect(mill.settled(nowhere)).rejects.toMatchObject({ code: 'NOT_A_MILL' });
  });
});

describe('a replay of what began later, stands elsewhere, or cannot be derived any more', () => {
  const sources = (mill: Millrace) => ({ payments: mill.stream('payments', { schema: PAYMENTS }) });

  it('begins where one without history began', async () => {
    const before = await openDerived(new SimulatedStorage({ seed: 2 }), sources);
    await before.settled(before.mill.start());
    await append(before, 0, 50);
    const declare = (mill: Millrace) => {
      const declared = sources(mill);
      const from = declared.payments.pipe(
        fold({ init: () => ({ ts: 0, account: '', amount: 0 }), add: (_, row: Payment) => row }),
      );
      mill.stream('all', { schema: PAYMENTS, processHistory: false, from });
      mill.table('counts', {
        key: 'account',
        processHistory: false,
        from: declared.payments.pipe(fold({ by: 'account', init: () => ({ n: 0 }), add: ({ n }) => ({ n: n + 1 }) })),
      });
      return declared;
    };
    const mill = await openDerived(before.disk.kill(), declare);
    await mill.settled(mill.mill.start());
    for (let part = 0; part < 3; part++) {
      await append(mill, 50 + part * 25, 25);
      await mill.settled(mill.mill.checkpoint());
    }
    const report = await replayed(mill.disk.kill(), declare);
    expect(report).toMatchObject({ same: true });
    expect(named(report, 'all').equal).toBe(75);
    expect(named(report, 'counts').equal).toBe(3);
    const withMore = (mill: Millrace) => {
      const declared = sources(mill);
      mill.table('more', { key: 'account', from: declared.payments });
      mill.stream('all', { schema: PAYMENTS, version: 2, from: declared.payments });
      return declared;
    };
    const other = await replayed(mill.disk.kill(), withMore);
    expect(other).toMatchObject({ same: true, derived: [] });
    expect(other.notReplayed).toEqual([
      { name: 'more', why: 'new' },
      { name: 'all', why: 'version' },
      { name: 'counts', why: 'undeclared' },
    ]);
  });

  it('compares one that stopped as it was where it stopped', async () => {
    let isBroken = true;
    const declare = (mill: Millrace) => {
      const declared = sources(mill);
      const counts = { by: 'account', init: () => ({ n: 0 }), add: ({ n }: { n: number }) => ({ n: n + 1 }) } as const;
      mill.table('going', { key: 'account', from: declared.payments.pipe(fold(counts)) });
      const throws = tap(({ amount }: Payment) => {
        if (isBroken && amount === 99) throw new Error('no more');
      });
      mill.table('stopped', { key: 'account', from: declared.payments.pipe(throws, fold(counts)) });
      return declared;
    };
    const mill = await openDerived(new SimulatedStorage({ seed: 2 }), declare);
    await mill.settled(mill.mill.start());
    for (let part = 0; part < 6; part++) {
      await append(mill, part * 25, 25);
      await mill.settled(mill.mill.checkpoint());
    }
    for (const broken of [true, false]) {
      isBroken = broken;
      const report = await replayed(mill.disk.kill(), declare);
      expect(report).toMatchObject({ same: true, derived: [{ equal: 3 }, { equal: 3 }] });
      const [going, stopped] = report.derived as [Replayed, Replayed];
      expect(stopped.processedTo).toBeLessThan(going.processedTo);
    }
  });

  it('keeps the rows of an older version out', async () => {
    const declareAs = (version: number, processHistory: boolean) => (mill: Millrace) => {
      const declared = sources(mill);
      const from = declared.payments.pipe(map((row) => ({ ...row, amount: row.amount * version })));
      mill.stream('scaled', { schema: PAYMENTS, version, processHistory, from });
      return declared;
    };
    let mill = await openDerived(new SimulatedStorage({ seed: 2 }), declareAs(1, true));
    await mill.settled(mill.mill.start());
    await append(mill, 0, 50);
    await mill.settled(mill.mill.checkpoint());
    mill = await openDerived(mill.disk.kill(), declareAs(2, false));
    await mill.settled(mill.mill.start());
    await append(mill, 50, 50);
    await mill.settled(mill.mill.checkpoint());
    await mill.settled(mill.mill.checkpoint());
    const report = await replayed(mill.disk.kill(), declareAs(2, false));
    expect(report).toMatchObject({ same: true, notReplayed: [], derived: [{ name: 'scaled', equal: 50 }] });
  });

  it('says what retention has made impossible to compare, and compares the rest', async () => {
    const day = 24 * 60 * 60 * 1_000;
    const declareKept = (threshold: number) => (mill: Millrace) => {
      const source = mill.stream('payments', { schema: PAYMENTS, retention: '1d' });
      const large = mill.stream('large', {
        schema: PAYMENTS,
        from: source.pipe(filter(({ amount }) => amount > threshold)),
      });
      mill.stream('hourly', { from: large.pipe(windowed(tumbling('1h'), { aggregate: { n: count() } })) });
      mill.table('last', { key: 'account', from: large });
      mill.table('sums', {
        key: 'account',
        from: source.pipe(fold({ by: 'account', init: () => ({ n: 0 }), add: ({ n }) => ({ n: n + 1 }) })),
      });
      return { payments: source };
    };
    const mill = await openDerived(new SimulatedStorage({ seed: 2 }), declareKept(50), {}, Date.UTC(2024, 0, 1));
    await mill.settled(mill.mill.start());
    for (let hour = 0; hour < 60; hour++) {
      const ts = Date.UTC(2024, 0, 1) + hour * 3_600_000;
      const rows = Array.from({ length: 10 }, (_, at) => {
        return { ts: ts + at * 60_000, account: `a${hour % 7}`, amount: (hour * 31 + at * 17) % 100 };
      });
      await mill.settled(mill.payments.appendMany(rows));
      await mill.settled(mill.driver.pause(3_600_000));
      await mill.settled(mill.mill.checkpoint());
    }
    const disk = mill.disk.kill();
    const honest = await replayed(disk, declareKept(50));
    expect(honest).toMatchObject({ same: true });
    expect(honest.derived.map(({ name, comparable: { from } }) => [name, from])).toEqual([
      ['large', 'events'],
      ['hourly', 'time'],
      ['last', 'events'],
      ['sums', 'never'],
    ]);
    const hourly = named(honest, 'hourly');
    // Of the hours of the last day, about half of the ten events each.
    expect(named(honest, 'large').equal).toBeGreaterThan(100);
    expect(hourly.equal).toBeGreaterThan(15);
    expect(hourly.equal).toBeLessThan(day / 3_600_000 + 5);
    const other = await replayed(disk, declareKept(52));
    expect(other.derived.map(({ name, difference }) => [name, difference === null])).toEqual([
      ['large', false],
      ['hourly', false],
      ['last', expect.any(Boolean)],
      ['sums', true],
    ]);
  });
});
