import { cpSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { filter } from 'rxjs';
import { count, float64, fold, key, Millrace, string, timestamp, tumbling, windowed } from '../../src/index.js';
import { START } from './mills.js';

const PAYMENTS = { ts: timestamp(), account: key(string()), amount: float64() };

/** What a program declares: a filtered stream, windows over it, a table. */
function declareLedger(mill: Millrace) {
  const payments = mill.stream('payments', { schema: PAYMENTS });
  const large = mill.stream('large', { schema: PAYMENTS, from: payments.pipe(filter(({ amount }) => amount >= 50)) });
  mill.stream('per_minute', { from: large.pipe(windowed(tumbling('1m'), { aggregate: { n: count() } })) });
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
  return payments;
}

/** The n-th event of the mill has lsn n. */
export const payment = (at: number) => ({ ts: START + at * 1_000, account: `a${at % 40}`, amount: (at * 37) % 100 });

/** What a kill leaves: payments 1 to 200, up to 160 in two checkpoints, the others in the log. */
export async function killedLedger(directory: string): Promise<void> {
  const mill = new Millrace(`${directory}-live`, { checkpointInterval: '1h', logFileBytes: 4096 });
  const payments = declareLedger(mill);
  await mill.start();
  const append = (from: number, to: number) =>
    payments.appendMany(Array.from({ length: to - from + 1 }, (_, at) => payment(from + at)));
  await append(1, 150);
  await mill.checkpoint();
  await append(151, 160);
  await mill.checkpoint();
  await append(161, 180);
  await append(181, 200);
  cpSync(`${directory}-live`, directory, { recursive: true });
  await mill.close();
}

/** The declarations as a module of the user. */
export function writeModule(path: string, { threshold = 50, exported = 'export default' } = {}): string {
  const millrace = pathToFileURL(join(process.cwd(), 'dist/index.js')).href;
  const rxjs = pathToFileURL(createRequire(import.meta.url).resolve('rxjs')).href;
  writeFileSync(
    path,
    `import { filter } from '${rxjs}';
import { count, float64, fold, key, string, timestamp, tumbling, windowed } from '${millrace}';
const PAYMENTS = { ts: timestamp(), account: key(string()), amount: float64() };
${exported} (mill) => {
  const payments = mill.stream('payments', { schema: PAYMENTS });
  const large = mill.stream('large', { schema: PAYMENTS, from: payments.pipe(filter(({ amount }) => amount >= ${threshold})) });
  mill.stream('per_minute', { from: large.pipe(windowed(tumbling('1m'), { aggregate: { n: count() } })) });
  mill.table('balances', { key: 'account', from: payments.pipe(fold({
    by: 'account',
    init: () => ({ balance: 0 }),
    add: ({ balance }, { amount }) => ({ balance: balance + amount }),
  })) });
};
`,
  );
  return path;
}
