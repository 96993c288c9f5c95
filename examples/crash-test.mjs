// Tests of a program that uses millrace: what it does in a crash. They run in virtual time, on a disk in memory.
// node --test examples/crash-test.mjs

import assert from 'node:assert/strict';
import test from 'node:test';
import { count, float64, fold, key, string, timestamp, tumbling, windowed } from 'millrace';
import { expectSameAfterCrash, mill } from 'millrace/testing';

const schema = { ts: timestamp(), account: key(string()), amount: float64() };

// The program: balances, and how many payments there are in a minute.
function declare(mill) {
  const payments = mill.stream('payments', { schema });
  mill.table('balances', {
    key: 'account',
    from: payments.pipe(
      fold({
        by: 'account',
        init: () => ({ balance: 0 }),
        add: ({ balance }, { amount }) => ({ balance: balance + amount }),
      }),
    ),
  });
  mill.stream('per_minute', {
    from: payments.pipe(windowed(tumbling('1m'), { by: 'account', aggregate: { n: count() } })),
  });
}

test('balances go on after a crash', async () => {
  const values = {
    a: { ts: 0, account: 'x', amount: 10 },
    b: { ts: 20_000, account: 'x', amount: 5 },
    c: { ts: 60_000, account: 'x', amount: 1 },
    A: { account: 'x', balance: 10 },
    B: { account: 'x', balance: 15 },
    C: { account: 'x', balance: 16 },
  };
  // A letter appends its event, and stands for a row that equals it. `^` is a checkpoint, `!` a crash, `|` closes the mill.
  const { lives, tables, history } = await mill('-a^-b-!-c-|', { declare, values });
  assert.deepEqual(
    lives.map(({ marbles }) => marbles.balances),
    ['-A--B-!', '      --C-|'],
  );
  assert.equal(tables.balances[0][1].balance, 16);
  // The window was open over the crash: it has what came before.
  assert.equal(history.per_minute[0].event.n, 2);
});

test('whatever the crash, everything is the same', async () => {
  const payments = Array.from({ length: 20 }, (_, at) => ({ ts: at * 7_000, account: 'xyz'[at % 3], amount: at }));
  const { crashes } = await expectSameAfterCrash(declare, payments, { crashPointsMax: 25 });
  assert.equal(crashes, 25);
});

test('a pipeline over one stream needs no mill around it', async () => {
  const events = [1, 2, 3, 70, 71, 150].map((second) => ({ ts: second * 1_000, account: 'x', amount: second }));
  const pipeline = (payments) => payments.pipe(windowed(tumbling('1m'), { by: 'account', aggregate: { n: count() } }));
  await expectSameAfterCrash(pipeline, events, { schema, crashPointsMax: 25 });
});
