import { filter, lastValueFrom, map, merge, type Observable } from 'rxjs';
import {
  float64,
  fold,
  int32,
  key,
  Millrace,
  type MillraceOptions,
  type Recorded,
  string,
  timestamp,
} from '../../src/index.js';
import type { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import { SimulatedCompute } from '../../src/testing/simulated-compute.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { loadHash } from '../../src/wal/hash.js';
import { Driver, takeUnhandled, Watched } from './simulation-driver.js';

export interface Payment {
  ts: number;
  account: string;
  amount: number;
}

export interface Alarm {
  ts: number;
  account: string;
  level: number;
}

/** Streams, and what is derived from them: by one pipeline after another, from several inputs, with and without state. */
export function declareLedger(mill: Millrace) {
  const payments = mill.stream('payments', { schema: { ts: timestamp(), account: key(string()), amount: float64() } });
  const alarms = mill.stream('alarms', { schema: { ts: timestamp(), account: key(string()), level: int32() } });
  const large = mill.stream('large', {
    from: payments.pipe(
      filter(({ amount }) => amount >= 50),
      map(({ ts, account, amount }) => ({ ts, account, amount, isHuge: amount >= 90 })),
      map(({ isHuge, ...row }) => ({ ...row, note: isHuge ? 'huge' : undefined })),
    ),
    schema: { ts: timestamp(), account: key(string()), amount: float64(), note: string().optional() },
  });
  const balances = mill.table('balances', {
    key: 'account',
    from: payments.pipe(
      fold({
        by: 'account',
        init: () => ({ balance: 0, count: 0 }),
        add: ({ balance, count }, { amount }) => ({ balance: balance + amount, count: count + 1 }),
      }),
    ),
  });
  const scores = mill.stream('scores', {
    from: merge(
      alarms.pipe(map(({ ts, account, level }) => ({ ts, account, weight: level }))),
      large.pipe(map(({ ts, account, amount }) => ({ ts, account, weight: amount / 100 }))),
    ).pipe(
      fold({
        by: 'account',
        init: () => ({ ts: 0, score: 0, seen: [] as number[] }),
        add: (state, { ts, weight }) => {
          // Changed in place, as users do.
          state.seen.push(weight);
          if (state.seen.length > 3) state.seen.shift();
          return { ts, score: state.score + weight, seen: state.seen };
        },
      }),
      map(({ ts, account, score, seen }) => ({
        ts,
        account,
        score,
        known: balances.get(account)?.count ?? 0,
        last: seen.length,
      })),
    ),
    schema: { ts: timestamp(), account: key(string()), score: float64(), known: int32(), last: int32() },
  });
  return { payments, alarms, large, balances, scores };
}

/** A mill on a copy of a simulated disk, in virtual time. */
export async function openDerived<D>(
  from: SimulatedStorage,
  declare: (mill: Millrace) => D,
  options: MillraceOptions = {},
  start = Date.UTC(2024, 0, 1),
) {
  await lastValueFrom(loadHash());
  const clock = new VirtualClock(start);
  const driver = new Driver(clock);
  const disk = from.kill({ scheduler: clock, latency: 1 });
  const compute = new SimulatedCompute({ scheduler: clock });
  const mill = new Millrace('ledger', { storage: disk, scheduler: clock, compute, logFileBytes: 4096, ...options });
  const declared = declare(mill);
  const settled = async <T>(promise: Promise<T>): Promise<T> => {
    const watched = new Watched(promise);
    await driver.until(() => watched.isSettled);
    const [unhandled] = takeUnhandled();
    if (unhandled) throw unhandled;
    if (watched.result === null) throw new Error('it never ended');
    if ('error' in watched.result) throw watched.result.error;
    return watched.result.value;
  };
  return { ...declared, mill, disk, clock, driver, settled };
}

export type OpenedLedger = Awaited<ReturnType<typeof openLedger>>;

export const openLedger = (from: SimulatedStorage, options?: MillraceOptions) =>
  openDerived(from, declareLedger, options);

/** What is kept of a stream, with where it stands. */
export async function recordsOf<T>(
  stream: { records(from: 'earliest'): Observable<Recorded<T>> },
  { settled, driver }: Pick<OpenedLedger, 'settled' | 'driver'>,
): Promise<Recorded<T>[]> {
  const records: Recorded<T>[] = [];
  const subscription = stream.records('earliest').subscribe((record) => records.push(record));
  await settled(driver.pause(5_000));
  subscription.unsubscribe();
  return records;
}

/** What must be there for the events that are: computed from them alone, one after the other. */
export function expectedOf(payments: readonly Recorded<Payment>[], alarms: readonly Recorded<Alarm>[]) {
  const large: Recorded<object>[] = [];
  const scores: Recorded<object>[] = [];
  const balances = new Map<string, { account: string; balance: number; count: number }>();
  const scored = new Map<string, { score: number; count: number }>();
  const score = (lsn: number, { ts, account }: { ts: number; account: string }, weight: number) => {
    const before = scored.get(account) ?? { score: 0, count: 0 };
    const now = { score: before.score + weight, count: Math.min(3, before.count + 1) };
    scored.set(account, now);
    const known = balances.get(account)?.count ?? 0;
    scores.push({ lsn, index: 0, event: { ts, account, score: now.score, known, last: now.count } });
  };
  const events = [
    ...payments.map(({ lsn, event }) => ({ lsn, payment: event, alarm: null })),
    ...alarms.map(({ lsn, event }) => ({ lsn, payment: null, alarm: event })),
  ].toSorted((a, b) => a.lsn - b.lsn);
  for (const { lsn, payment, alarm } of events) {
    if (alarm) score(lsn, alarm, alarm.level);
    if (!payment) continue;
    const { ts, account, amount } = payment;
    const { balance, count } = balances.get(account) ?? { balance: 0, count: 0 };
    balances.set(account, { account, balance: balance + amount, count: count + 1 });
    if (amount < 50) continue;
    large.push({ lsn, index: 0, event: { ts, account, amount, note: amount >= 90 ? 'huge' : undefined } });
    score(lsn, payment, amount / 100);
  }
  return { large, scores, balances: [...balances.values()].toSorted((a, b) => (a.account < b.account ? -1 : 1)) };
}

/** Everything derived is what the log says. */
export async function assertDerived(ledger: OpenedLedger): Promise<void> {
  const expected = expectedOf(await recordsOf(ledger.payments, ledger), await recordsOf(ledger.alarms, ledger));
  expect(ledger.large.status).toMatchObject({ state: 'live' });
  expect(await recordsOf(ledger.large, ledger)).toEqual(expected.large);
  expect(await recordsOf(ledger.scores, ledger)).toEqual(expected.scores);
  const balances = [...ledger.balances.entries()].map(([, row]) => row);
  expect(balances.toSorted((a, b) => (a.account < b.account ? -1 : 1))).toEqual(expected.balances);
}

/** Payments of a few accounts, one a second. */
export function payments(from: number, count: number): Payment[] {
  return Array.from({ length: count }, (_, at) => {
    const number = from + at;
    return { ts: 1_704_067_200_000 + number * 1_000, account: 'abc'[number % 3]!, amount: (number * 37) % 100 };
  });
}
