import fc from 'fast-check';
import { SimulatedStorage } from '../../../src/storage/simulated-storage.js';
import { assertDerived, openLedger } from '../../support/derived-mills.js';

const ACCOUNTS = ['a', 'b', 'c'];

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('payments' as const),
      count: fc.integer({ min: 1, max: 9 }),
      seed: fc.nat(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('alarms' as const),
      count: fc.integer({ min: 1, max: 4 }),
      seed: fc.nat(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('checkpoint' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('kill' as const, 'cut' as const, 'close' as const) }) },
);

/** A crash at any time, also in a checkpoint, changes nothing of what is derived. */
it('derives what the log says, over crashes and checkpoints', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 25 }), async (steps) => {
      let ledger = await openLedger(new SimulatedStorage({ seed: 1 }));
      await ledger.settled(ledger.mill.start());
      let ts = 1_704_067_200_000;
      for (const one of steps) {
        if (one.kind === 'payments' || one.kind === 'alarms') {
          const rows = Array.from({ length: one.count }, (_, at) => {
            const account = ACCOUNTS[(one.seed + at * 7) % 3]!;
            ts += 1_000;
            return { ts, account, amount: (one.seed * 31 + at * 17) % 100, level: (one.seed + at) % 5 };
          });
          if (one.kind === 'payments')
            await ledger.settled(ledger.payments.appendMany(rows.map(({ level: _, ...row }) => row)));
          else await ledger.settled(ledger.alarms.appendMany(rows.map(({ amount: _, ...row }) => row)));
        } else if (one.kind === 'checkpoint') await ledger.settled(ledger.mill.checkpoint());
        else {
          const fingerprint = await ledger.settled(ledger.mill.fingerprint());
          if (one.kind === 'close') await ledger.settled(ledger.mill.close());
          const disk = one.kind === 'cut' ? ledger.disk.crash() : ledger.disk.kill();
          ledger = await openLedger(disk);
          await ledger.settled(ledger.mill.start());
          expect(await ledger.settled(ledger.mill.fingerprint())).toBe(fingerprint);
          await assertDerived(ledger);
        }
      }
      await assertDerived(ledger);
      await ledger.settled(ledger.mill.close());
    }),
    { numRuns: Number(process.env.RUNS ?? 60) },
  );
});
