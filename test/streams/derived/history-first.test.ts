import { filter, map } from 'rxjs';
import { float64, fold, key, type Millrace, string, timestamp } from '../../../src/index.js';
import { SimulatedStorage } from '../../../src/storage/simulated-storage.js';
import {
  assertDerived,
  declareLedger,
  openDerived,
  openLedger,
  payments,
  recordsOf,
} from '../../support/derived-mills.js';

const schema = { ts: timestamp(), account: key(string()), amount: float64() };
const declareSources = (mill: Millrace) => ({
  payments: mill.stream('payments', { schema }),
});

/** A mill with payments in segments and in the log, and nothing derived. */
async function withHistory(count: number) {
  const mill = await openDerived(new SimulatedStorage({ seed: 3 }), declareSources);
  await mill.settled(mill.mill.start());
  await mill.settled(mill.payments.appendMany(payments(0, count)));
  await mill.settled(mill.mill.checkpoint());
  await mill.settled(mill.payments.appendMany(payments(count, 50)));
  return mill.disk.kill();
}

describe('a pipeline that is new', () => {
  it('processes history, and goes live without gap or double while events are appended', async () => {
    const ledger = await openLedger(await withHistory(30_000));
    await ledger.settled(ledger.mill.start());
    expect(ledger.large.status.state).toBe('catchingUp');
    for (let at = 0; ledger.scores.status.state === 'catchingUp' || at < 5; at++)
      await ledger.settled(ledger.payments.appendMany(payments(40_000 + at * 10, 10)));
    await assertDerived(ledger);
  });

  it('goes on where a checkpoint found it, after a crash', async () => {
    const before = await openLedger(await withHistory(30_000));
    await before.settled(before.mill.start());
    await before.settled(before.driver.pause(2));
    const report = await before.settled(before.mill.checkpoint());
    expect(report).toBeDefined();
    const ledger = await openLedger(before.disk.kill());
    await ledger.settled(ledger.mill.start());
    await ledger.settled(ledger.driver.pause(5_000));
    await assertDerived(ledger);
  });

  it('begins with what comes, where it is told to', async () => {
    const declare = (mill: Millrace) => {
      const { payments: source } = declareSources(mill);
      const from = source.pipe(filter(({ amount }) => amount > 50));
      return { payments: source, later: mill.stream('later', { from, schema, processHistory: false }) };
    };
    let opened = await openDerived(await withHistory(100), declare);
    await opened.settled(opened.mill.start());
    expect(opened.later.status.state).toBe('live');
    // Where it began is known from then on, also before any checkpoint.
    await opened.settled(opened.payments.appendMany(payments(500, 20)));
    opened = await openDerived(opened.disk.kill(), declare);
    await opened.settled(opened.mill.start());
    const found = await recordsOf(opened.later, opened);
    expect(found.map(({ event }) => event)).toEqual(payments(500, 20).filter(({ amount }) => amount > 50));
  });

  it('reads what another one gave before it was declared', async () => {
    const declareSome = (mill: Millrace) => {
      const { payments: source } = declareSources(mill);
      const from = source.pipe(filter(({ amount }) => amount > 50));
      return { payments: source, large: mill.stream('large', { from, schema }) };
    };
    const declareMore = (mill: Millrace) => {
      const some = declareSome(mill);
      const from = some.large.pipe(
        fold({
          by: 'account',
          init: () => ({ ts: 0, amount: 0 }),
          add: (sum, { ts, amount }) => ({ ts, amount: sum.amount + amount }),
        }),
      );
      return {
        ...some,
        sums: mill.stream('sums', { from, schema }),
        seen: mill.table('seen', { key: 'account', from }),
      };
    };
    const first = await openDerived(await withHistory(5_000), declareSome);
    await first.settled(first.mill.start());
    await first.settled(first.driver.pause(1_000));
    await first.settled(first.mill.checkpoint());
    await first.settled(first.payments.appendMany(payments(9_000, 50)));
    const second = await openDerived(first.disk.kill(), declareMore);
    await second.settled(second.mill.start());
    await second.settled(second.driver.pause(1_000));
    expect(second.sums.status.state).toBe('live');
    const large = await recordsOf(second.large, second);
    const sums = new Map<string, number>();
    const expected = large.map(({ event, ...position }) => {
      sums.set(event.account, (sums.get(event.account) ?? 0) + event.amount);
      return { ...position, event: { ...event, amount: sums.get(event.account)! } };
    });
    expect(await recordsOf(second.sums, second)).toEqual(expected);
    expect(second.seen.get('a')).toEqual(expected.findLast(({ event }) => event.account === 'a')!.event);
  });
});

describe('what is declared otherwise than before', () => {
  const changed = (declare: (mill: Millrace) => object) => async () => {
    const before = await openLedger(new SimulatedStorage({ seed: 4 }));
    await before.settled(before.mill.start());
    await before.settled(before.payments.appendMany(payments(0, 10)));
    await before.settled(before.mill.checkpoint());
    const disk = before.disk.kill();
    const other = await openDerived(disk, declare);
    await expect(other.settled(other.mill.start())).rejects.toMatchObject({ code: 'SCHEMA_CHANGED' });
    const ledger = await openLedger(other.disk.kill());
    await ledger.settled(ledger.mill.start());
    await assertDerived(ledger);
  };

  it('is refused where a pipeline has other operators', () =>
    changed((mill) => {
      const source = mill.stream('payments', { schema });
      const from = source.pipe(fold({ init: () => ({ account: '' }), add: (_, { account }) => ({ account }) }));
      return mill.table('balances', { key: 'account', from });
    })());

  it('is refused where a derived stream is a source now', () =>
    changed((mill) => mill.stream('large', { schema: { ...schema, note: string().optional() } }))());

  it('is refused where a source is derived now', () =>
    changed((mill) => {
      const source = mill.stream('alarms', { schema: { ts: timestamp(), account: key(string()) } });
      return mill.stream('payments', { schema, from: source.pipe(map((row) => ({ ...row, amount: 1 }))) });
    })());

  it('is refused where a stream is a table now', () =>
    changed((mill) => {
      const source = mill.stream('payments', { schema });
      return mill.table('large', { key: 'account', from: source });
    })());

  it('stays as it is where it is not declared, and goes on when it is again', async () => {
    const before = await openLedger(new SimulatedStorage({ seed: 5 }));
    await before.settled(before.mill.start());
    await before.settled(before.payments.appendMany(payments(0, 100)));
    await before.settled(before.mill.checkpoint());
    const between = await openDerived(before.disk.kill(), declareSources);
    await between.settled(between.mill.start());
    await between.settled(between.payments.appendMany(payments(100, 100)));
    await between.settled(between.mill.checkpoint());
    expect(await between.settled(between.mill.stream('large').count())).toBe(
      payments(0, 100).filter(({ amount }) => amount >= 50).length,
    );
    await between.settled(between.payments.appendMany(payments(200, 10)));
    await between.settled(between.mill.close());
    const ledger = await openDerived(between.disk.kill(), declareLedger);
    await ledger.settled(ledger.mill.start());
    await ledger.settled(ledger.driver.pause(1_000));
    await assertDerived(ledger);
  });
});
