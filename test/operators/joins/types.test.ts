/** The types that users see. Checked by the compiler (`npm run types`): the tests here only say that it was done. */
import { filter, from, map, type Observable } from 'rxjs';
import { asOfJoin, intervalJoin, type LookupTable, lookupJoin, type Table } from '../../../src/index.js';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const holds = <_Truth extends true>(): void => {};

interface Trade {
  readonly ts: number;
  readonly symbol: string;
  readonly price: number;
}

interface Quote {
  readonly ts: number;
  readonly symbol: string;
  readonly bid: number;
}

interface Rate {
  readonly at: number;
  readonly of: string;
  readonly rate: number;
}

const trades = from<Trade[]>([]);
const quotes = from<Quote[]>([]);
const rates = from<Rate[]>([]);
const limits: LookupTable<Quote> = { name: 'limits', rows: quotes, keyOf: ({ symbol }) => symbol };
const typeOf = <T>(_source: Observable<T>): { readonly type?: T } => ({});

describe('the row type', () => {
  it('is a pair, whose right part may be missing unless it is an inner join', () => {
    const left = typeOf(trades.pipe(asOfJoin(quotes, { by: 'symbol', time: 'ts' })));
    holds<Equal<Exclude<typeof left.type, undefined>, [Trade, Quote | undefined]>>();
    const inner = typeOf(trades.pipe(asOfJoin(quotes, { by: 'symbol', time: 'ts', join: 'inner' })));
    holds<Equal<Exclude<typeof inner.type, undefined>, [Trade, Quote]>>();
    const interval = typeOf(trades.pipe(intervalJoin(quotes, { by: 'symbol', time: 'ts', before: '1m' })));
    holds<Equal<Exclude<typeof interval.type, undefined>, [Trade, Quote]>>();
    const lookup = typeOf(trades.pipe(lookupJoin(limits, { by: 'symbol' })));
    holds<Equal<Exclude<typeof lookup.type, undefined>, [Trade, Quote | undefined]>>();
  });

  it('is what select gives, and goes on through a pipe', () => {
    const { type } = typeOf(
      trades.pipe(
        filter(({ price }) => price > 0),
        asOfJoin(quotes, {
          by: 'symbol',
          time: 'ts',
          select: (trade, quote) => ({ ...trade, bid: quote?.bid satisfies number | undefined }),
        }),
        intervalJoin(quotes, {
          by: 'symbol',
          time: 'ts',
          after: 5,
          select: ({ ts, symbol, bid }, quote) => ({ ts, symbol, change: quote.bid - (bid ?? 0) }),
        }),
        lookupJoin(limits, {
          key: ({ symbol }) => symbol,
          join: 'inner',
          select: ({ change }, { bid }) => ({ change, bid }),
        }),
        map(({ change, bid }) => change + bid),
      ),
    );
    holds<Equal<Exclude<typeof type, undefined>, number>>();
  });

  it('may be of sides with other names', () => {
    const options = { by: 'symbol', rightBy: 'of', time: 'ts', rightTime: 'at' } as const;
    const { type } = typeOf(
      trades.pipe(asOfJoin(rates, { ...options, select: (trade, rate) => trade.price * (rate?.rate ?? 1) })),
    );
    holds<Equal<Exclude<typeof type, undefined>, number>>();
  });

  it('is that of a table', () => {
    const build = (table: Table<Quote>): Observable<[Trade, Quote | undefined]> =>
      trades.pipe(lookupJoin(table, { by: 'symbol' }));
    expect(build).toBeInstanceOf(Function);
  });
});

it('options have to fit the events', () => {
  // @ts-expect-error -- no such key column on the right
  trades.pipe(asOfJoin(rates, { by: 'symbol', time: 'ts', rightTime: 'at' }));
  // @ts-expect-error -- no such key column on the left
  trades.pipe(asOfJoin(rates, { by: 'of', time: 'ts', rightTime: 'at' }));
  // @ts-expect-error -- no such time column on the right
  trades.pipe(intervalJoin(rates, { by: 'symbol', rightBy: 'of', time: 'ts', before: 1 }));
  // @ts-expect-error -- no such time column
  trades.pipe(intervalJoin(rates, { by: 'symbol', rightBy: 'of', time: 'ts', rightTime: 'ta', before: 1 }));
  // @ts-expect-error -- an unknown option
  trades.pipe(asOfJoin(quotes, { by: 'symbol', time: 'ts', tolerence: 5 }));
  // @ts-expect-error -- no such column
  trades.pipe(lookupJoin(limits, { by: 'simbol' }));
  const otherKind = (): unknown =>
    // @ts-expect-error -- no such kind
    trades.pipe(asOfJoin(quotes, { by: 'symbol', time: 'ts', join: 'outer' }));
  expect(otherKind).toThrow('Option join');
  const tooMany = (): unknown =>
    // @ts-expect-error -- either one or the other
    trades.pipe(lookupJoin(limits, { by: 'symbol', key: ({ symbol }) => symbol }));
  expect(tooMany).toThrow('lookupJoin takes either option by');
});
