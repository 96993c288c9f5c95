import { map } from 'rxjs';
import { float64, fold, key, type Millrace, string, timestamp } from '../../../src/index.js';
import { SimulatedStorage } from '../../../src/storage/simulated-storage.js';
import { openDerived, type Payment, payments, recordsOf } from '../../support/derived-mills.js';

const schema = { ts: timestamp(), account: key(string()), amount: float64() };

/** A table that stops at amount 11, and a pipeline of another stream that looks into it. */
const declare = (isMended: boolean) => (mill: Millrace) => {
  const source = mill.stream('payments', { schema });
  const alarms = mill.stream('alarms', { schema });
  const checked = map((row: Payment) => {
    if (row.amount === 11 && !isMended) throw new Error('11 is not an amount');
    return row;
  });
  const counts = mill.table('counts', {
    key: 'account',
    from: source.pipe(checked, fold({ by: 'account', init: () => ({ n: 0 }), add: ({ n }) => ({ n: n + 1 }) })),
  });
  const known = mill.stream('known', {
    from: alarms.pipe(map((row) => ({ ...row, amount: counts.get(row.account)?.n ?? 0 }))),
    schema,
  });
  return { source, alarms, counts, known };
};

it('finds no rows of an earlier turn in a table that is further behind than the pipeline that asks', async () => {
  let opened = await openDerived(new SimulatedStorage({ seed: 1 }), declare(false));
  await opened.settled(opened.mill.start());
  await opened.settled(opened.source.appendMany(payments(0, 10)));
  expect(opened.counts.status.state).toBe('stopped');
  // The table goes on at its beginning, which is in segments; the pipeline only misses what the log has.
  await opened.settled(opened.mill.checkpoint());
  await opened.settled(opened.alarms.append({ ts: 1, account: 'a', amount: 0 }));
  opened = await openDerived(opened.disk.kill(), declare(true));
  await opened.settled(opened.mill.start());
  await opened.settled(opened.driver.pause(1_000));
  expect(opened.counts.get('a')).toEqual({ account: 'a', n: 4 });
  expect(opened.known.status).toMatchObject({ state: 'stopped', cause: { code: 'INVALID_ARGUMENT' } });
  expect((opened.known.status.cause as Error).message).toContain('still processes earlier events');
  expect(await recordsOf(opened.known, opened)).toEqual([]);
});
