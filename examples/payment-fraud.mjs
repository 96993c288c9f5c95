// Fraud on payments: each payment is joined with the logins of the same account in the ten minutes before it, wherever they came from. Two
// that do not fit, and the account is blocked. Both streams and all that is derived from them are there after a crash as before.
// Run it twice: the second run starts with the accounts that the first one blocked.
// node examples/payment-fraud.mjs [directory]

import { float64, fold, intervalJoin, key, Millrace, string, timestamp } from 'millrace';
import { filter } from 'rxjs';

const mill = new Millrace(process.argv[2] ?? './payments');

const logins = mill.stream('logins', {
  schema: { ts: timestamp(), account: key(string()), country: string() },
});
const payments = mill.stream('payments', {
  schema: { ts: timestamp(), account: key(string()), country: string(), amount: float64() },
});

// A payment from another country than a login of the last ten minutes: nobody travels so fast.
const suspicious = mill.stream('suspicious', {
  from: payments.pipe(
    intervalJoin(logins, {
      by: 'account',
      before: '10m',
      select: ({ ts, account, country, amount }, login) => ({ ts, account, amount, country, login: login.country }),
    }),
    filter(({ country, login }) => country !== login),
  ),
  schema: { ts: timestamp(), account: key(string()), amount: float64(), country: string(), login: string() },
});

// How many of them an account has had, and for how much. One that has had none for a day is forgotten.
const risks = mill.table('risks', {
  key: 'account',
  from: suspicious.pipe(
    fold({
      by: 'account',
      ttl: '1d',
      init: () => ({ cases: 0, amount: 0 }),
      add: ({ cases, amount }, payment) => ({ cases: cases + 1, amount: amount + payment.amount }),
    }),
  ),
});
const isBlocked = (account) => (risks.get(account)?.cases ?? 0) >= 2;

await mill.start();
const blocked = () => [...risks.entries()].flatMap(([account]) => (isBlocked(account) ? [account] : []));
console.log(`payments so far: ${await payments.count()}, blocked accounts: ${blocked().join(', ') || 'none'}`);

suspicious.subscribe(({ account, amount, country, login }) => {
  console.log(`suspicious: ${account} pays ${amount} from ${country}, but logged in from ${login}`);
});

const MINUTE = 60_000;
const start = Date.now();
const login = (minute, account, country) => logins.append({ ts: start + minute * MINUTE, account, country });
const pay = async (minute, account, country, amount) => {
  if (isBlocked(account)) {
    console.log(`refused: ${account} is blocked, ${risks.get(account).amount} are in doubt`);
    return;
  }
  await payments.append({ ts: start + minute * MINUTE, account, country, amount });
  console.log(`paid: ${account} ${amount}`);
};

await login(0, 'alice', 'FR');
await login(0, 'bob', 'DE');
await pay(1, 'alice', 'FR', 25);
await pay(2, 'bob', 'BR', 400); // logged in from DE two minutes before
await pay(3, 'bob', 'BR', 600); // once more: that is enough
await pay(4, 'bob', 'BR', 900);
await pay(15, 'alice', 'IT', 30); // her login is more than ten minutes old

console.log(`blocked accounts: ${blocked().join(', ')}`);
await mill.close();
