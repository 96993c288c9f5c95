import { Observable, type OperatorFunction } from 'rxjs';
import { float64, key, type Millrace, string, timestamp } from '../../../src/index.js';
import { openOperator } from '../../../src/operators/pipeline-scope.js';
import { columnarCodec, type Numbers } from '../../../src/snapshots/columnar-codec.js';
import { SimulatedStorage } from '../../../src/storage/simulated-storage.js';
import { openDerived, type Payment, payments, recordsOf } from '../../support/derived-mills.js';

const schema = { ts: timestamp(), account: key(string()), amount: float64() };

/** Gives each event's amount once nothing has come for ten seconds of the clock. */
function afterSilence(): OperatorFunction<Payment, Payment> {
  return (source) =>
    new Observable((subscriber) => {
      const home = openOperator('afterSilence', {});
      const pending = home.keyed<string, Numbers, Float64Array>('pending', columnarCodec(2));
      const want = () =>
        home.wantTick!(Math.min(Infinity, ...[...pending.entries()].map(([, value]) => value[0]! + 10_000)));
      home.whenLoaded(want);
      home.onTick!((now) => {
        for (const [account, [ts, amount]] of [...pending.entries()] as [string, Float64Array][]) {
          if (ts! + 10_000 > now) continue;
          pending.delete(account);
          subscriber.next({ ts: now, account, amount: amount! });
        }
        want();
      });
      return source.subscribe({
        next: ({ ts, account, amount }) => {
          pending.set(account, [ts, amount]);
          want();
        },
        error: (error) => subscriber.error(error),
      });
    });
}

const declare = (mill: Millrace) => {
  const source = mill.stream('payments', { schema });
  return { payments: source, silent: mill.stream('silent', { schema, from: source.pipe(afterSilence()) }) };
};

const START = payments(0, 1)[0]!.ts;

describe('ticks', () => {
  it('are written when an operator needs one, at most one a second, and never else', async () => {
    const opened = await openDerived(new SimulatedStorage({ seed: 1 }), declare, {}, START);
    await opened.settled(opened.mill.start());
    const { nextLsn } = opened.mill.metrics();
    await opened.settled(opened.driver.pause(60_000));
    expect(opened.mill.metrics().nextLsn).toBe(nextLsn);
    // Accounts a, b, c at seconds 0, 1, 2 of event time, all at once by the clock.
    const now = opened.clock.now();
    const rows = ['a', 'b', 'c'].map((account, at) => ({ ts: now + at * 400, account, amount: at }));
    await opened.settled(opened.payments.appendMany(rows));
    await opened.settled(opened.driver.pause(20_000));
    const found = await recordsOf(opened.silent, opened);
    expect(found.map(({ event }) => event.account)).toEqual(['a', 'b', 'c']);
    // b is due 400 ms after a, but the tick after that of a comes a second later: it has c too.
    expect(found.map(({ event }) => event.ts - now)).toEqual([10_000, 11_000, 11_000]);
    expect(opened.mill.streamNames).toEqual(['payments', 'silent']);
  });

  it('end the same things at the same places after a crash', async () => {
    let opened = await openDerived(new SimulatedStorage({ seed: 1 }), declare, {}, START);
    await opened.settled(opened.mill.start());
    await opened.settled(opened.payments.appendMany(payments(0, 2)));
    await opened.settled(opened.driver.pause(11_500));
    await opened.settled(opened.mill.checkpoint());
    await opened.settled(opened.payments.appendMany(payments(20, 2)));
    await opened.settled(opened.driver.pause(30_000));
    await opened.settled(opened.payments.appendMany(payments(60, 2)));
    const before = await recordsOf(opened.silent, opened);
    expect(before.length).toBe(4);
    opened = await openDerived(opened.disk.crash(), declare, {}, opened.clock.now());
    await opened.settled(opened.mill.start());
    expect((await recordsOf(opened.silent, opened)).slice(0, 4)).toEqual(before);
    await opened.settled(opened.driver.pause(60_000));
    expect((await recordsOf(opened.silent, opened)).length).toBe(6);
    await opened.settled(opened.mill.close());
  });

  it('are kept as long as the events of the source that is kept longest', async () => {
    const opened = await openDerived(
      new SimulatedStorage({ seed: 1 }),
      (mill) => {
        const source = mill.stream('payments', { schema, retention: '10m' });
        mill.stream('others', { schema, retention: '5m' });
        return { payments: source, silent: mill.stream('silent', { schema, from: source.pipe(afterSilence()) }) };
      },
      { checkpointInterval: '1m' },
      START,
    );
    const ticks = () => opened.settled(opened.mill.stream('$ticks').count());
    await opened.settled(opened.mill.start());
    for (let minute = 0; minute < 8; minute++) {
      await opened.settled(opened.payments.append(payments(minute * 60, 1)[0]!));
      await opened.settled(opened.driver.pause(60_000));
    }
    expect(await ticks()).toBe(8);
    await opened.settled(opened.driver.pause(600_000));
    await opened.settled(opened.payments.append(payments(1_080, 1)[0]!));
    await opened.settled(opened.mill.checkpoint());
    expect(await ticks()).toBe(0);
    await opened.settled(opened.mill.close());
  });
});
