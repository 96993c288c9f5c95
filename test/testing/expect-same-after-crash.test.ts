import { map, scan as rxjsScan } from 'rxjs';
import { float64, fold, key, type Millrace, scan, string, timestamp } from '../../src/index.js';
import { expectSameAfterCrash } from '../../src/testing/index.js';

const schema = { ts: timestamp(), account: key(string()), amount: float64() };
const rowSchema = { ts: timestamp(), account: key(string()), amount: float64() };
const payments = Array.from({ length: 18 }, (_, at) => ({ ts: at * 1_000, account: 'abc'[at % 3]!, amount: at + 0.5 }));
type Payment = (typeof payments)[number];

const running = (sum: Payment, next: Payment): Payment => ({ ...next, amount: sum.amount + next.amount });

describe('expectSameAfterCrash', () => {
  it('passes for a pipeline whose state is kept', async () => {
    const started = Date.now();
    const tried = await expectSameAfterCrash((source) => source.pipe(scan(running)), payments, { schema, rowSchema });
    console.log(tried, Date.now() - started);
  });

  it('fails for one that loses its state, and says where', async () => {
    const lost = expectSameAfterCrash((source) => source.pipe(rxjsScan(running)), payments, { schema, rowSchema });
    const error = await lost.catch((error) => error);
    console.log(error.message);
  });
});
