import { filter, map, merge, type Observable, Subject } from 'rxjs';
import {
  asOfJoin,
  float64,
  fold,
  int32,
  intervalJoin,
  key,
  lookupJoin,
  type Millrace,
  type Recorded,
  scan,
  string,
  timestamp,
} from '../../src/index.js';
import type { openDerived } from './derived-mills.js';
import { recordsOf } from './derived-mills.js';

export interface Trade {
  ts: number;
  symbol: string;
  size: number;
}

export interface Quote {
  ts: number;
  symbol: string;
  price: number;
}

/** A row of a join. */
interface Joined {
  ts: number;
  symbol: string;
  size: number;
  price: number | undefined;
}

const sourceSchema = { ts: timestamp(), symbol: key(string()) };
const LARGE = 5;

const ofMoment = (trades: Observable<Trade>, quotes: Observable<Quote>, time?: 'ts'): Observable<Joined> =>
  trades.pipe(
    asOfJoin(quotes, {
      by: 'symbol',
      ...(time && { time }),
      lateness: '2s',
      maxLag: '10s',
      tolerance: '8s',
      select: ({ ts, symbol, size }, quote) => ({ ts, symbol, size, price: quote?.price }),
    }),
  );

const near = (trades: Observable<Trade>, quotes: Observable<Quote>, time?: 'ts'): Observable<Joined> =>
  trades.pipe(
    intervalJoin(quotes, {
      by: 'symbol',
      ...(time && { time }),
      before: '3s',
      after: '2s',
      maxLag: '10s',
      select: ({ ts, symbol, size }, { price }) => ({ ts, symbol, size, price }),
    }),
  );

const inOrder = (trades: Observable<Trade>, quotes: Observable<Quote>): Observable<Joined & { price: number }> =>
  merge(trades, quotes.pipe(map(({ ts, symbol }) => ({ ts, symbol, size: -1 })))).pipe(
    scan((before, { ts, symbol, size }) => ({ ts, symbol, size, price: before.price + 1 }), {
      ts: 0,
      symbol: '',
      size: 0,
      price: 0,
    }),
  );

/** Streams, and a table that a derived stream feeds: of a trade's own turn, it has the trade itself. */
export function declareMarket(mill: Millrace) {
  const trades = mill.stream('trades', { schema: { ...sourceSchema, size: int32() } });
  const quotes = mill.stream('quotes', { schema: { ...sourceSchema, price: float64() } });
  const large = mill.stream('large', {
    from: trades.pipe(filter(({ size }) => size >= LARGE)),
    schema: { ...sourceSchema, size: int32() },
  });
  const totals = mill.table('totals', {
    key: 'symbol',
    from: large.pipe(
      fold({ by: 'symbol', init: () => ({ total: 0 }), add: ({ total }, { size }) => ({ total: total + size }) }),
    ),
  });
  return { trades, quotes, large, totals };
}

type Market = ReturnType<typeof declareMarket>;

/** A stream that looks up in the table, of streams that were declared before the one that feeds it. */
export function declareLookup(mill: Millrace, { trades, quotes, totals }: Market) {
  const asTrades = quotes.pipe(map(({ ts, symbol }) => ({ ts, symbol, size: 0 })));
  return mill.stream('known', {
    from: merge(trades, asTrades).pipe(
      lookupJoin(totals, {
        by: 'symbol',
        select: ({ ts, symbol, size }, row) => ({ ts, symbol, size, price: row?.total }),
      }),
    ),
    schema: { ...sourceSchema, size: int32(), price: float64().optional() },
  });
}

export function declareJoins(mill: Millrace) {
  const market = declareMarket(mill);
  const { trades, quotes } = market;
  const schema = { ...sourceSchema, size: int32(), price: float64().optional() };
  return {
    ...market,
    ofMoment: mill.table('of_moment', { key: 'symbol', from: listed(ofMoment(trades, quotes)) }),
    near: mill.table('near', { key: 'symbol', from: listed(near(trades, quotes)) }),
    inOrder: mill.stream('in_order', { from: inOrder(trades, quotes), schema }),
    known: declareLookup(mill, market),
  };
}

/** All rows of a key, in the order in which they came. */
const listed = (rows: Observable<Joined>) =>
  rows.pipe(
    fold({
      by: 'symbol',
      init: () => ({ rows: [] as Joined[] }),
      add: (list, row) => {
        list.rows.push(row);
        return list;
      },
    }),
  );

export type OpenedJoins = Awaited<ReturnType<typeof openDerived<ReturnType<typeof declareJoins>>>>;

/** A row with the event that caused it. */
interface Placed {
  readonly lsn: number;
  readonly event: Joined;
}

/** What pipelines in memory give for the events, one after the other. */
function inMemory(events: readonly Recorded<Trade | Quote>[], build: typeof ofMoment): Placed[] {
  const [trades, quotes] = [new Subject<Trade>(), new Subject<Quote>()];
  const rows: Placed[] = [];
  let lsn = 0;
  build(trades, quotes, 'ts').subscribe((event) => rows.push({ lsn, event }));
  for (const { event, ...position } of events) {
    lsn = position.lsn;
    if ('size' in event) trades.next(event);
    else quotes.next(event);
  }
  return rows;
}

function lookedUp(events: readonly Recorded<Trade | Quote>[]): Placed[] {
  const totals = new Map<string, number>();
  return events.map(({ event, lsn }) => {
    const { ts, symbol } = event;
    const size = 'size' in event ? event.size : 0;
    if (size >= LARGE) totals.set(symbol, (totals.get(symbol) ?? 0) + size);
    return { lsn, event: { ts, symbol, size, price: totals.get(symbol) } };
  });
}

export async function eventsOf(mill: Pick<OpenedJoins, 'trades' | 'quotes' | 'settled' | 'driver'>) {
  const events: Recorded<Trade | Quote>[] = [
    ...(await recordsOf(mill.trades, mill as never)),
    ...(await recordsOf(mill.quotes, mill as never)),
  ];
  return events.toSorted((a, b) => a.lsn - b.lsn);
}

/** Everything joined is what the log says. */
export async function assertJoined(opened: OpenedJoins): Promise<void> {
  const events = await eventsOf(opened);
  const rowsOf = async (stream: OpenedJoins['known']) =>
    (await recordsOf(stream, opened as never)).map(({ lsn, event }) => ({ lsn, event }));
  expect(await rowsOf(opened.inOrder)).toEqual(inMemory(events, inOrder));
  expect(await rowsOf(opened.known)).toEqual(lookedUp(events));
  for (const [table, build] of [
    [opened.ofMoment, ofMoment],
    [opened.near, near],
  ] as const) {
    const rows = inMemory(events, build).map(({ event }) => event);
    const bySymbol = new Map(rows.map(({ symbol }) => [symbol, rows.filter((row) => row.symbol === symbol)]));
    expect(new Map([...table.entries()].map(([symbol, list]) => [symbol, list.rows]))).toEqual(bySymbol);
  }
}

/** Some trades and quotes, out of order by some seconds, with ties. */
export function marketEvents(seed: number, count: number): { trades: Trade[]; quotes: Quote[] } {
  const ts = (at: number) =>
    1_704_067_200_000 + Math.floor((seed * 3 + at * 2) / 3) * 1_000 - ((seed + at * 7) % 4) * 1_000;
  const symbol = (at: number) => 'xyz'[(seed + at * 5) % 3]!;
  const numbers = Array.from({ length: count }, (_, at) => at);
  return {
    trades: numbers.map((at) => ({ ts: ts(at), symbol: symbol(at), size: (seed * 7 + at * 3) % 10 })),
    quotes: numbers.map((at) => ({ ts: ts(at + 1), symbol: symbol(at + 1), price: (seed + at) % 100 })),
  };
}
