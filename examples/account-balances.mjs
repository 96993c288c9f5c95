// Balances that are always what the bookings say: a table is folded from a stream, after a crash as before. Nobody writes the table, so it
// cannot differ from the bookings. Run it twice: the second run starts with the balances of the first one.
// node examples/account-balances.mjs [directory]

import { float64, fold, key, Millrace, string, timestamp } from 'millrace';
import { filter, map } from 'rxjs';

const mill = new Millrace(process.argv[2] ?? './bank');

const bookings = mill.stream('bookings', {
  schema: { ts: timestamp(), account: key(string()), amount: float64(), text: string() },
});

// The state of each account after each of its bookings …
const states = bookings.pipe(
  fold({
    by: 'account',
    init: () => ({ balance: 0, bookings: 0 }),
    add: (state, { ts, amount }) => ({ ts, balance: state.balance + amount, bookings: state.bookings + 1 }),
  }),
);

// … of which a table keeps the last one, and a stream each one that is below zero.
const balances = mill.table('balances', { key: 'account', from: states });
const overdrawn = mill.stream('overdrawn', {
  from: states.pipe(
    filter(({ balance }) => balance < 0),
    map(({ ts, account, balance }) => ({ ts, account, balance })),
  ),
  schema: { ts: timestamp(), account: key(string()), balance: float64() },
});

await mill.start();

const show = (when) => {
  console.log(when);
  for (const [account, { balance, bookings: count }] of balances.entries())
    console.log(`  ${account.padEnd(6)} ${balance.toFixed(2).padStart(8)}  (bookings: ${count})`);
};
show(balances.size === 0 ? 'no account yet' : 'found:');

overdrawn.subscribe(({ account, balance }) => console.log(`${account} is overdrawn: ${balance.toFixed(2)}`));
balances.live('bob').subscribe(({ balance }) => console.log(`bob has ${balance.toFixed(2)}`));

const book = (account, amount, text) => ({ ts: Date.now(), account, amount, text });
const transfer = (from, to, amount) => [book(from, -amount, `to ${to}`), book(to, amount, `from ${from}`)];

await bookings.append(book('alice', 100, 'salary'));
await bookings.appendMany(transfer('alice', 'bob', 30));
await bookings.appendMany(transfer('bob', 'carol', 45));
await bookings.appendMany(transfer('carol', 'bob', 20));
show('now:');

console.log(`times overdrawn so far: ${await overdrawn.count()}`);
await mill.close();
