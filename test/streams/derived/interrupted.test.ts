import fc from 'fast-check';
import { SimulatedStorage } from '../../../src/storage/simulated-storage.js';
import { assertDerived, openLedger, payments } from '../../support/derived-mills.js';

/** Whatever operation of a checkpoint, or of the start after it, is the last one: everything derived is what the log says. */
it.each(['kill', 'cut'] as const)(
  'derives what the log says after a %s at any operation of a checkpoint',
  async (how) => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 0, max: 40 }),
        fc.boolean(),
        async (at, again, first) => {
          let ledger = await openLedger(new SimulatedStorage({ seed: at }));
          const { settled, mill } = ledger;
          await settled(mill.start());
          await settled(ledger.payments.appendMany(payments(0, 20)));
          if (first) await settled(mill.checkpoint());
          await settled(ledger.payments.appendMany(payments(20, 30)));
          ledger.disk.crashAt(ledger.disk.operations + at);
          mill.checkpoint().catch(() => {});
          await settled(ledger.driver.pause(1_000));
          ledger = await openLedger(how === 'cut' ? ledger.disk.crash() : ledger.disk.kill());
          if (again > 0) {
            ledger.disk.crashAt(again);
            ledger.mill.start().catch(() => {});
            await ledger.settled(ledger.driver.pause(1_000));
            ledger = await openLedger(how === 'cut' ? ledger.disk.crash() : ledger.disk.kill());
          }
          await ledger.settled(ledger.mill.start());
          await assertDerived(ledger);
          await ledger.settled(ledger.payments.appendMany(payments(50, 5)));
          await ledger.settled(ledger.mill.close());
          ledger = await openLedger(ledger.disk.kill());
          await ledger.settled(ledger.mill.start());
          await assertDerived(ledger);
        },
      ),
      { numRuns: Number(process.env.RUNS ?? 80) },
    );
  },
);
