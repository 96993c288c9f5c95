import fc from 'fast-check';
import { from, type Observable, of, Subject } from 'rxjs';
import { type FoldOptions, type FoldRow, fold, MillraceError } from '../../src/index.js';
import { prepareSaving, SavedOperators } from '../support/saved-operators.js';
import { isEvent, Run, timedSteps } from './stateful/runs.js';

beforeAll(prepareSaving);

interface Payment {
  readonly ts: number;
  readonly account: string;
  readonly amount: number;
}

const payment = (account: string, amount: number, ts = 0): Payment => ({ ts, account, amount });

const balances = {
  by: 'account',
  init: () => ({ balance: 0 }),
  add: (state: { balance: number }, { amount }: Payment) => ({ balance: state.balance + amount }),
} as const;

function seenOf(rows: Observable<unknown>): unknown[] {
  const seen: unknown[] = [];
  rows.subscribe({ next: (row) => seen.push(structuredClone(row)), error: (error) => seen.push(error) });
  return seen;
}

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const holds = <_Truth extends true>(): void => {};
holds<Equal<FoldRow<Payment, 'account', { balance: number }>, { readonly account: string; balance: number }>>();
holds<Equal<FoldRow<Payment, never, { total: number; last?: bigint }>, { total: number; last?: bigint }>>();
holds<Equal<FoldRow<Payment, 'account', Payment>, Payment>>();

describe('fold', () => {
  it('emits a flat row with the key and the state after each event', () => {
    const rows = from([payment('a', 5), payment('b', 1), payment('a', -2)]).pipe(
      fold({
        by: 'account',
        init: () => ({ balance: 0, count: 0 }),
        add: (state, { amount }) => ({ balance: state.balance + amount, count: state.count + 1 }),
      }),
    );
    holds<Equal<typeof rows, Observable<{ readonly account: string; balance: number; count: number }>>>();
    expect(seenOf(rows)).toEqual([
      { account: 'a', balance: 5, count: 1 },
      { account: 'b', balance: 1, count: 1 },
      { account: 'a', balance: 3, count: 2 },
    ]);
  });

  it('has one state for all events without a key, and one for each tuple with several columns', () => {
    const payments = [payment('a', 1, 1), payment('a', 2, 2), payment('a', 4, 1)];
    const { init, add } = balances;
    expect(seenOf(from(payments).pipe(fold({ init, add })))).toEqual([1, 3, 7].map((balance) => ({ balance })));
    expect(seenOf(from(payments).pipe(fold({ by: ['account', 'ts'], init, add })))).toEqual([
      { account: 'a', ts: 1, balance: 1 },
      { account: 'a', ts: 2, balance: 2 },
      { account: 'a', ts: 1, balance: 5 },
    ]);
  });

  it('takes a state that is changed in place; a row is new each time', () => {
    const rows: object[] = [];
    const add = (state: { balance: number }, { amount }: Payment): { balance: number } => {
      state.balance += amount;
      return state;
    };
    from([payment('a', 1), payment('a', 2)])
      .pipe(fold({ ...balances, add }))
      .subscribe((row) => rows.push(row));
    expect(rows).toEqual([1, 3].map((balance) => ({ account: 'a', balance })));
  });

  it('lets the key columns win over fields of the state', () => {
    const rows = of(payment('a', 1)).pipe(
      fold({ by: 'account', init: () => ({ x: 1, account: 5, __proto: 2 }), add: (state) => state }),
    );
    expect(seenOf(rows)).toEqual([{ account: 'a', x: 1, __proto: 2 }]);
    expect(Object.keys(seenOf(rows)[0] as object)[0]).toBe('account');
  });

  it('gives the same rows where code from strings is forbidden', () => {
    const operator = () =>
      fold<Payment, 'account' | 'ts', { amount: number; ts: string }>({
        by: ['account', 'ts'],
        init: () => ({ amount: 0, ts: '' }),
        add: (state, { amount }) => ({ ...state, amount }),
      });
    const rows = () => JSON.stringify(seenOf(from([payment('a', 1, 2), payment('b', 2, 3)]).pipe(operator())));
    const made = rows();
    const before = globalThis.Function;
    try {
      globalThis.Function = function forbidden() {
        throw new EvalError('no');
      } as never;
      expect(rows()).toBe(made);
    } finally {
      globalThis.Function = before;
    }
    expect(made).toBe('[{"account":"a","ts":2,"amount":1},{"account":"b","ts":3,"amount":2}]');
  });

  it('ends a key where add returns undefined, and begins it again', () => {
    const add = (state: { balance: number }, { amount }: Payment) =>
      amount === 0 ? undefined : { balance: state.balance + amount };
    const amounts = [1, 2, 0, 0, 4].map((amount) => payment('a', amount));
    expect(seenOf(from(amounts).pipe(fold({ ...balances, add })))).toEqual(
      [1, 3, 4].map((balance) => ({ account: 'a', balance })),
    );
  });

  it.each([
    [
      'forgets a key that had no event for ttl',
      [payment('a', 1, 0), payment('b', 2, 10), payment('a', 4, 10)],
      [1, 2, 4],
    ],
    [
      'keeps one that had',
      [payment('a', 1, 0), payment('a', 2, 9), payment('b', 0, 18), payment('a', 4, 18)],
      [1, 3, 0, 7],
    ],
    ['forgets also the one whose event is that late', [payment('a', 1, 0), payment('a', 2, 10)], [1, 2]],
    ['takes late events', [payment('b', 1, 100), payment('a', 1, 5), payment('a', 2, 4)], [1, 1, 3]],
    [
      'counts from when a late one came',
      [
        payment('b', 1, 100),
        payment('a', 1, 5),
        payment('b', 0, 109),
        payment('a', 2, 6),
        payment('b', 0, 119),
        payment('a', 4, 7),
      ],
      [1, 1, 1, 3, 0, 4],
    ],
  ])('%s', (_, payments, expected) => {
    const rows = seenOf(from(payments).pipe(fold({ ...balances, ttl: '10ms', time: 'ts' })));
    expect(rows.map((row) => (row as { balance: number }).balance)).toEqual(expected);
  });

  describe('in a mill, over restarts', () => {
    const events = fc.record({
      account: fc.constantFrom('a', 'b', 'c', 'd'),
      amount: fc.nat({ max: 5 }),
    });
    const inPlace = {
      by: 'account',
      init: () => ({ amounts: [] as number[], last: undefined as number | undefined }),
      add: (state: { amounts: number[]; last: number | undefined }, { amount }: Payment) => {
        if (amount === 5) return undefined;
        state.last = state.amounts.at(-1);
        state.amounts.push(amount);
        return state;
      },
    } as const;

    it.each([null, 7])('does what its description says: ttl %s', (ttl) => {
      const operator = () =>
        ttl === null
          ? fold<Payment, 'account', { amounts: number[] }>(inPlace as never)
          : fold<Payment, 'account', { amounts: number[] }>({ ...inPlace, ttl } as never);
      const begin = (): Run<Payment> => new Run((source) => source!.pipe(operator()), 'ts');
      fc.assert(
        fc.property(timedSteps(events), (all) => {
          const run = begin().take(all);
          const taken = all.filter(isEvent).map(([, event]) => event);
          const { rows, kept } = modelOf(taken, inPlace, ttl ?? Infinity);
          expect(run.seen).toEqual({ rows, error: null, isComplete: false });
          expect(run.kept).toEqual(begin().take(all.filter(isEvent)).kept);
          const [[, ...folded]] = run.kept as [[string, ...[string, unknown][]]];
          expect(folded.map(([account]) => account).toSorted()).toEqual(kept.toSorted());
        }),
        { numRuns: 100 },
      );
    });

    it('keeps only the keys of the last ttl', () => {
      const source = new Subject<Payment>();
      const saved = new SavedOperators(() => source.pipe(fold({ ...balances, ttl: 100 })), 'ts');
      saved.turn(() => {
        for (let ts = 0; ts < 50_000; ts++) source.next(payment(`account-${ts % 5000}`, 1, ts));
      });
      expect(saved.seen.rows).toHaveLength(50_000);
      expect(saved.states.get('0-fold/folded')!.size).toBe(100);
    });

    it('writes only the keys that changed', () => {
      const source = new Subject<Payment>();
      const saved = new SavedOperators(() => source.pipe(fold(balances)));
      saved.turn(() => {
        for (let at = 0; at < 1000; at++) source.next(payment(`account-${at}`, 1));
      });
      saved.save();
      saved.turn(() => source.next(payment('account-5', 1)));
      saved.save();
      const [base, delta, ...others] = saved.states.get('0-fold/folded')!.files;
      expect(others).toEqual([]);
      expect(delta!.bytes).toBeLessThan(base!.bytes / 20);
    });
  });

  it('passes on what its functions throw', () => {
    const add = (): never => {
      throw new Error('no');
    };
    expect(seenOf(of(payment('a', 1)).pipe(fold({ ...balances, add })))).toEqual([new Error('no')]);
    expect(seenOf(of(payment('a', 1)).pipe(fold({ ...balances, init: add })))).toEqual([new Error('no')]);
  });

  it.each([[null], [5], ['a'], [[1]]])('refuses a state that is %j', (state) => {
    const [error] = seenOf(of(payment('a', 1)).pipe(fold({ ...balances, add: () => state as never })));
    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(String(error)).toContain(`must return the state, an object such as { balance: 0 }`);
  });

  it('refuses an event from its own functions, and takes one from who sees a row', () => {
    const fed = new Subject<Payment>();
    const add = (state: { balance: number }): { balance: number } => {
      fed.next(payment('a', 1));
      return state;
    };
    const seen = seenOf(fed.pipe(fold({ ...balances, add })));
    fed.next(payment('a', 1));
    expect(seen).toEqual([expect.objectContaining({ code: 'INVALID_ARGUMENT' })]);

    const source = new Subject<Payment>();
    const rows: unknown[] = [];
    source.pipe(fold(balances)).subscribe((row) => {
      rows.push(row);
      if (row.balance < 3) source.next(payment('a', 1));
    });
    source.next(payment('a', 1));
    expect(rows).toEqual([1, 2, 3].map((balance) => ({ account: 'a', balance })));
  });

  it('needs options that fit', () => {
    const refused = (options: unknown, message: string): void => {
      const make = (): unknown => fold<Payment>(options as FoldOptions<Payment, never, Record<never, never>>);
      expect(make).toThrow(MillraceError);
      expect(make).toThrow(message);
    };
    refused(undefined, "fold takes options such as { by: 'account', init");
    refused({ ...balances, init: { balance: 0 } }, 'Option init of fold must be a function, not {"balance":0}.');
    refused({ ...balances, add: undefined }, 'Option add of fold must be a function, not undefined.');
    refused({ ...balances, by: 5 }, 'Option by must name a column, not 5.');
    refused({ ...balances, by: ['account', 'account'] }, 'Option by names the column "account" twice.');
    refused({ ...balances, ttl: 'soon' }, 'Option ttl must be a duration');
    refused({ ...balances, time: '' }, 'Option time must name a column, not "".');
  });

  it('needs to know where the time is, for ttl only', () => {
    expect(seenOf(of(payment('a', 1)).pipe(fold(balances)))).toHaveLength(1);
    const [error] = seenOf(of(payment('a', 1)).pipe(fold({ ...balances, ttl: 1 })));
    expect(error).toMatchObject({ code: 'INVALID_OPTION' });
    expect(String(error)).toContain('Option time of fold must name the column with the event time');
    const [missing] = seenOf(of({ account: 'a' } as Payment).pipe(fold({ ...balances, ttl: 1, time: 'ts' })));
    expect(String(missing)).toContain('An event has no column "ts", which fold takes as its time. It has: account.');
  });
});

interface Functions<S> {
  readonly init: () => S;
  readonly add: (state: S, event: Payment) => S | undefined;
}

/** The rows, and which keys are kept at the end, by looking through all keys at each event. */
function modelOf<S extends object>(events: readonly Payment[], { init, add }: Functions<S>, ttl: number) {
  const keys = new Map<string, { readonly state: S; readonly seen: number }>();
  const rows: unknown[] = [];
  let latest = -Infinity;
  for (const event of events) {
    const { account } = event;
    latest = Math.max(latest, event.ts);
    for (const [key, { seen }] of keys) if (seen + ttl <= latest) keys.delete(key);
    const state = add(keys.get(account)?.state ?? init(), event);
    keys.delete(account);
    if (state === undefined) continue;
    keys.set(account, { state, seen: latest });
    rows.push(structuredClone({ account, ...state }));
  }
  return { rows, kept: [...keys.keys()] };
}
