import { map } from 'rxjs';
import { float64, fold, int32, key, type Millrace, string, timestamp } from '../../src/index.js';
import { type MillOptions, mill } from '../../src/testing/index.js';

const payment = (ts: number, account: string, amount: number) => ({ ts, account, amount });

/** Payments, and what each account has after each of them, in a stream and in a table. */
function declare(mill: Millrace) {
  const payments = mill.stream('payments', { schema: { ts: timestamp(), account: key(string()), amount: float64() } });
  const balances = payments.pipe(
    fold({
      by: 'account',
      init: () => ({ ts: 0, balance: 0 }),
      add: ({ balance }, { ts, amount }) => ({ ts, balance: balance + amount }),
    }),
  );
  mill.stream('changes', {
    from: balances,
    schema: { ts: timestamp(), account: key(string()), balance: float64() },
  });
  mill.table('balances', { key: 'account', from: balances });
}

const values = {
  a: payment(1, 'x', 10),
  b: payment(2, 'y', 5),
  c: payment(3, 'x', 7),
  A: { ts: 1, account: 'x', balance: 10 },
  B: { ts: 2, account: 'y', balance: 5 },
  C: { ts: 3, account: 'x', balance: 17 },
};

const run = (marbles: string | Record<string, string>, options: Partial<MillOptions> = {}) =>
  mill(marbles, { declare, values, ...options });

const lettersOf = (rows: readonly { event: object }[]) =>
  rows.map(
    ({ event }) => Object.entries(values).find(([, value]) => JSON.stringify(value) === JSON.stringify(event))?.[0],
  );

describe('a mill in marbles', () => {
  it('goes on after a crash with all that was durable', async () => {
    const { lives, history, tables, derived } = await run('-a-b-!-c-|');
    expect(lives.map(({ from, marbles }) => ({ from, ...marbles }))).toEqual([
      { from: 0, payments: '-a-b-!', changes: '-A-B-!', balances: '-A-B-!' },
      { from: 5, payments: '     --c-|', changes: '     --C-|', balances: '     --C-|' },
    ]);
    expect(lives.map(({ recovery }) => recovery.events)).toEqual([0, 2]);
    expect(lettersOf(history.payments!)).toEqual(['a', 'b', 'c']);
    expect(lettersOf(history.changes!)).toEqual(['A', 'B', 'C']);
    expect(tables.balances).toEqual([
      ['x', values.C],
      ['y', values.B],
    ]);
    expect(derived).toMatchObject({ changes: { state: 'live' }, balances: { state: 'live' } });
  });
});
