import fc from 'fast-check';
import { map } from 'rxjs';
import { float64, int32, key, type Millrace, string, timestamp } from '../../../src/index.js';
import { SimulatedStorage } from '../../../src/storage/simulated-storage.js';
import { openDerived, recordsOf } from '../../support/derived-mills.js';
import {
  assertJoined,
  declareJoins,
  declareLookup,
  declareMarket,
  marketEvents,
  type OpenedJoins,
} from '../../support/joined-mills.js';

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom('trades' as const, 'quotes' as const),
      count: fc.integer({ min: 1, max: 6 }),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: 'checkpoint' as const }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('kill' as const, 'cut' as const, 'close' as const) }) },
);

const openJoins = (from: SimulatedStorage): Promise<OpenedJoins> => openDerived(from, declareJoins);

/** A crash at any time, also in a checkpoint, changes nothing of what is joined. */
it('joins what the log says, over crashes and checkpoints', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 20 }), async (steps) => {
      let opened = await openJoins(new SimulatedStorage({ seed: 1 }));
      await opened.settled(opened.mill.start());
      for (const [seed, one] of steps.entries()) {
        if (one.kind === 'trades' || one.kind === 'quotes') {
          const events = marketEvents(seed * 2, one.count);
          if (one.kind === 'trades') await opened.settled(opened.trades.appendMany(events.trades));
          else await opened.settled(opened.quotes.appendMany(events.quotes));
        } else if (one.kind === 'checkpoint') await opened.settled(opened.mill.checkpoint());
        else {
          if (one.kind === 'close') await opened.settled(opened.mill.close());
          opened = await openJoins(one.kind === 'cut' ? opened.disk.crash() : opened.disk.kill());
          await opened.settled(opened.mill.start());
          await assertJoined(opened);
        }
      }
      await assertJoined(opened);
      await opened.settled(opened.mill.close());
    }),
    { numRuns: Number(process.env.RUNS ?? 25) },
  );
});

/** A mill with trades and quotes in segments and in the log. */
async function withHistory<D extends ReturnType<typeof declareMarket>>(declare: (mill: Millrace) => D, batches = 40) {
  const opened = await openDerived(new SimulatedStorage({ seed: 3 }), declare);
  await opened.settled(opened.mill.start());
  for (let seed = 0; seed < batches; seed++) {
    const { trades, quotes } = marketEvents(seed * 20, 30);
    await opened.settled(opened.trades.appendMany(trades));
    await opened.settled(opened.quotes.appendMany(quotes));
    if (seed === batches >> 1) await opened.settled(opened.mill.checkpoint());
  }
  return opened;
}

describe('a join that is declared when there is history', () => {
  it('finds what one found that was there from the start, while its table is live', async () => {
    const all = await withHistory(declareJoins);
    const market = await withHistory(declareMarket);
    const later = await openDerived(market.disk.kill(), declareJoins);
    await later.settled(later.mill.start());
    expect(later.totals.status.state).toBe('live');
    expect(later.known.status.state).toBe('catchingUp');
    const { trades } = marketEvents(900, 10);
    await later.settled(later.trades.appendMany(trades));
    await all.settled(all.trades.appendMany(trades));
    await later.settled(later.driver.pause(5_000));
    for (const { status } of [later.known, later.ofMoment, later.near]) expect(status.state).toBe('live');
    await assertJoined(later);
    await assertJoined(all);
    const rows = async (opened: OpenedJoins) =>
      (await recordsOf(opened.known, opened as never)).map(({ event }) => event);
    expect(await rows(later)).toEqual(await rows(all));
  });

  it('shows what it keeps and what came late', async () => {
    const opened = await withHistory(declareJoins, 2);
    const { derived } = opened.mill.metrics();
    const of = (name: string) => derived.find((one) => one.name === name)!;
    expect(of('of_moment').states['1-asOfJoin/right']).toBeGreaterThan(0);
    expect(of('of_moment').states).not.toHaveProperty('1-asOfJoin/counters');
    expect(of('of_moment').counters['1-asOfJoin/lateRight']).toBeGreaterThan(0);
    expect(of('near').counters['1-intervalJoin/lateLeft']).toBeGreaterThan(0);
    expect(of('known').states).toEqual({ '0-lookupJoin/rows': 3, '1-fold/folded': 3 });
    expect(of('known').counters).toEqual({});
  });
});

describe('a table that a pipeline reads', () => {
  const schema = { ts: timestamp(), symbol: key(string()), size: int32(), price: float64().optional() };
  const declareReader = (mill: Millrace) => {
    const market = declareMarket(mill);
    const { trades, totals } = market;
    const from = trades.pipe(map((row) => ({ ...row, price: totals.get(row.symbol)?.total })));
    return { ...market, read: mill.stream('read', { from, schema }) };
  };

  it('is what lookupJoin finds, where both have the same turns', async () => {
    const opened = await withHistory((mill) => {
      const market = declareReader(mill);
      return { ...market, known: declareLookup(mill, market) };
    }, 3);
    const isTrade = ({ event }: { event: { size: number } }) => event.size > 0;
    const read = (await recordsOf(opened.read, opened as never)).filter(isTrade);
    expect(read.length).toBeGreaterThan(50);
    expect((await recordsOf(opened.known, opened as never)).filter(isTrade)).toEqual(read);
  });

  it('is refused where it is in a later turn', async () => {
    const market = await withHistory(declareMarket, 3);
    const opened = await openDerived(market.disk.kill(), declareReader);
    await opened.settled(opened.mill.start());
    await opened.settled(opened.driver.pause(1_000));
    const { state, cause } = opened.read.status;
    expect(state).toBe('stopped');
    expect(cause).toMatchObject({ code: 'INVALID_ARGUMENT', stream: 'read' });
    expect(String(cause)).toMatch(
      /The pipeline of "read" reads table "totals" at lsn \d+, but the table has had later events, up to lsn \d+/,
    );
    expect(String(cause)).toContain('Take lookupJoin(totals, …)');
  });
});
