import { delay, filter, from, map, merge, mergeMap, type Observable, of, startWith, switchMap, tap } from 'rxjs';
import {
  float64,
  fold,
  key,
  type Millrace,
  MillraceError,
  string,
  sum,
  timestamp,
  tumbling,
  windowed,
} from '../../../src/index.js';
import { SimulatedStorage } from '../../../src/storage/simulated-storage.js';
import { openDerived, type Payment, payments, recordsOf } from '../../support/derived-mills.js';

const schema = { ts: timestamp(), account: key(string()), amount: float64() };

/** A mill with a pipeline that stops at amount 37, one that reads what it gives, and one that has nothing to do with them. */
const declareFragile = (isFixed: boolean) => (mill: Millrace) => {
  const source = mill.stream('payments', { schema });
  const check = map(<T extends { amount: number }>(row: T) => {
    if (row.amount === 37 && !isFixed) throw new Error('37 is not an amount');
    return row;
  });
  const fragile = mill.stream('fragile', { schema, from: source.pipe(check) });
  const after = mill.table('after', {
    key: 'account',
    from: fragile.pipe(fold({ by: 'account', init: () => ({ n: 0 }), add: ({ n }) => ({ n: n + 1 }) })),
  });
  const steady = mill.stream('steady', { schema, from: source.pipe(filter(({ amount }) => amount > 10)) });
  return { payments: source, fragile, after, steady };
};

describe('a pipeline that throws', () => {
  it('stops its stream, says where and why, and lets everything else go on', async () => {
    const opened = await openDerived(new SimulatedStorage({ seed: 1 }), declareFragile(false));
    await opened.settled(opened.mill.start());
    const { lsn } = await opened.settled(opened.payments.append({ ts: 1, account: 'a', amount: 1 }));
    await opened.settled(opened.payments.append({ ts: 2, account: 'a', amount: 37 }));
    await opened.settled(opened.payments.append({ ts: 3, account: 'a', amount: 20 }));
    expect(opened.fragile.status).toMatchObject({
      state: 'stopped',
      lsn: lsn + 1,
      cause: { message: '37 is not an amount' },
    });
    expect(opened.after.status).toMatchObject({ state: 'stopped', lsn: lsn + 1 });
    expect((opened.after.status.cause as Error).message).toContain('"fragile"');
    expect(opened.steady.status.state).toBe('live');
    expect((await recordsOf(opened.fragile, opened)).map(({ event }) => event.amount)).toEqual([1]);
    expect((await recordsOf(opened.steady, opened)).map(({ event }) => event.amount)).toEqual([37, 20]);
  });

  it('goes on from there when it is mended, as if it had never failed', async () => {
    for (const isSaved of [false, true]) {
      let opened = await openDerived(new SimulatedStorage({ seed: 1 }), declareFragile(false));
      await opened.settled(opened.mill.start());
      const rows = payments(0, 30);
      await opened.settled(opened.payments.appendMany(rows.slice(0, 1)));
      if (isSaved) await opened.settled(opened.mill.checkpoint());
      await opened.settled(opened.payments.appendMany(rows.slice(1)));
      // What it gave after the last checkpoint is not saved: it will be derived again.
      await opened.settled(opened.mill.checkpoint());
      await opened.settled(opened.payments.appendMany(payments(30, 5)));
      await opened.settled(opened.mill.close());
      opened = await openDerived(opened.disk.kill(), declareFragile(true));
      await opened.settled(opened.mill.start());
      await opened.settled(opened.driver.pause(1_000));
      expect((await recordsOf(opened.fragile, opened)).map(({ event }) => event)).toEqual(payments(0, 35));
      expect(opened.after.get('a')).toEqual({ account: 'a', n: 12 });
      expect((await recordsOf(opened.steady, opened)).length).toBe(
        payments(0, 35).filter(({ amount }) => amount > 10).length,
      );
    }
  });

  it('stops where it gives a row that does not fit', async () => {
    const declare = (mill: Millrace) => {
      const source = mill.stream('payments', { schema });
      return {
        payments: source,
        bad: mill.stream('bad', { schema, from: source.pipe(map((row) => ({ ...row, amount: 'x' as never }))) }),
      };
    };
    const opened = await openDerived(new SimulatedStorage({ seed: 1 }), declare);
    await opened.settled(opened.mill.start());
    await opened.settled(opened.payments.append({ ts: 1, account: 'a', amount: 1 }));
    expect(opened.bad.status).toMatchObject({
      state: 'stopped',
      cause: { code: 'SCHEMA', stream: 'bad', column: 'amount' },
    });
  });

  it('stops where its state cannot be kept, and the checkpoint goes on without it', async () => {
    const declare = (mill: Millrace) => {
      const source = mill.stream('payments', { schema });
      const init = () => ({ seen: [] as unknown[] });
      const add = () => ({ seen: [new Map()] as unknown[] });
      return {
        payments: source,
        kept: mill.table('kept', { key: 'account', from: source.pipe(fold({ by: 'account', init, add })) }),
      };
    };
    const opened = await openDerived(new SimulatedStorage({ seed: 1 }), declare);
    await opened.settled(opened.mill.start());
    await opened.settled(opened.payments.append({ ts: 1, account: 'a', amount: 1 }));
    await opened.settled(opened.mill.checkpoint());
    expect(opened.kept.status).toMatchObject({ state: 'stopped', cause: { code: 'INVALID_ARGUMENT' } });
    await opened.settled(opened.payments.append({ ts: 2, account: 'a', amount: 1 }));
    await opened.settled(opened.mill.checkpoint());
    await opened.settled(opened.mill.close());
  });
});

describe('a pipeline of two mills', () => {
  it('is refused where it is declared, also where both have a stream of that name', async () => {
    const other = await openDerived(new SimulatedStorage({ seed: 1 }), (mill) => ({
      theirs: mill.stream('payments', { schema }),
    }));
    const { theirs } = other;
    await openDerived(new SimulatedStorage({ seed: 1 }), (mill) => {
      const own = mill.stream('payments', { schema });
      const ofBoth = merge(own, theirs);
      expect(() => mill.stream('both', { from: ofBoth, schema })).toThrow(/reads stream "payments" of another mill/);
      expect(() => mill.table('last', { from: theirs, key: 'account' })).toThrow(/reads stream "payments" of another/);
      return {};
    });
  });
});

describe('a pipeline that throws, with dead letters', () => {
  const declare = (mill: Millrace) => {
    const source = mill.stream('payments', { schema });
    const counted = fold<Payment, 'account', { ts: number; amount: number }>({
      by: 'account',
      init: () => ({ ts: 0, amount: 0 }),
      add: ({ amount }, { ts }) => ({ ts, amount: amount + 1 }),
    });
    const throws = map((row: Payment) => {
      if (row.amount % 3 === 0 && row.account === 'b') throw new Error(`${row.amount} is not an amount`);
      return row;
    });
    const some = mill.stream('some', { schema, from: source.pipe(throws, counted), onError: 'deadLetter' });
    const last = mill.table('last', { key: 'account', from: source.pipe(throws), onError: 'deadLetter' });
    return { payments: source, some, last };
  };
  const isBad = ({ amount, account }: Payment): boolean => amount % 3 === 0 && account === 'b';

  it('puts the event there and goes on, over crashes and checkpoints', async () => {
    let opened = await openDerived(new SimulatedStorage({ seed: 1 }), declare);
    await opened.settled(opened.mill.start());
    for (let part = 0; part < 6; part++) {
      await opened.settled(opened.payments.appendMany(payments(part * 20, 20)));
      if (part % 2 === 0) await opened.settled(opened.mill.checkpoint());
      await opened.settled(opened.payments.appendMany(payments(1_000 + part * 5, 5)));
      opened = await openDerived(part % 3 === 0 ? opened.disk.crash() : opened.disk.kill(), declare);
      await opened.settled(opened.mill.start());
    }
    const events = await recordsOf(opened.payments, opened);
    const counts = new Map<string, number>();
    const good = events.filter(({ event }) => !isBad(event));
    const expected = good.map(({ event: { ts, account }, ...position }) => {
      counts.set(account, (counts.get(account) ?? 0) + 1);
      return { ...position, event: { ts, account, amount: counts.get(account) } };
    });
    expect(await recordsOf(opened.some, opened)).toEqual(expected);
    const dead = events.filter(({ event }) => isBad(event));
    expect(dead.length).toBeGreaterThan(5);
    const letters = dead.map(({ lsn, event }) => {
      const error = `${event.amount} is not an amount`;
      return { lsn, index: 0, event: { ts: event.ts, input: 'payments', lsn, error, event } };
    });
    expect(await recordsOf(opened.some.deadLetters!, opened)).toEqual(letters);
    expect(await recordsOf(opened.last.deadLetters!, opened)).toEqual(letters);
    expect(opened.last.get('b')).toEqual(good.findLast(({ event }) => event.account === 'b')!.event);
    expect(opened.mill.streamNames).toEqual(['last.dead', 'payments', 'some', 'some.dead']);
    expect(opened.some.status.state).toBe('live');
  });

  it('goes on with the windows and the time that there were', async () => {
    const declareWindows = (mill: Millrace) => {
      const source = mill.stream('payments', { schema });
      const from = source.pipe(
        map((row) => {
          if (row.amount === 37) throw new Error('37 is not an amount');
          return row;
        }),
        windowed(tumbling(10), { by: 'account', aggregate: { total: sum('amount') } }),
      );
      return { payments: source, totals: mill.stream('totals', { from, onError: 'deadLetter' }) };
    };
    const opened = await openDerived(new SimulatedStorage({ seed: 1 }), declareWindows);
    await opened.settled(opened.mill.start());
    const append = (ts: number, amount: number) => opened.settled(opened.payments.append({ ts, account: 'a', amount }));
    for (const [ts, amount] of [
      [5, 1],
      [12, 2],
      [13, 37],
      // Its window has ended: it is late, and opens no second one.
      [6, 4],
      [14, 8],
      [25, 16],
    ] as const)
      await append(ts, amount);
    const rows = (await recordsOf(opened.totals, opened)).map(({ event }) => [event.start, event.total]);
    expect(rows).toEqual([
      [0, 1],
      [10, 10],
    ]);
    expect(opened.totals.status.state).toBe('live');
  });

  it('refuses a side stream as the input of a pipeline', async () => {
    const opened = await openDerived(new SimulatedStorage({ seed: 1 }), declare);
    const from = opened.some.deadLetters!.pipe(map(({ ts }) => ({ ts })));
    expect(() => opened.mill.stream('x', { from, schema: { ts: timestamp() } })).toThrow('side stream "some.dead"');
  });
});

describe('an output outside of its turn', () => {
  it.each<[string, (source: Observable<{ ts: number; account: string; amount: number }>) => Observable<object>]>([
    ['is refused after a delay', (source) => source.pipe(delay(5))],
    ['is refused from a promise', (source) => source.pipe(mergeMap((row) => from(Promise.resolve(row))))],
  ])('%s', async (_, pipeline) => {
    const declare = (mill: Millrace) => {
      const source = mill.stream('payments', { schema });
      return { payments: source, late: mill.stream('late', { schema, from: pipeline(source) as never }) };
    };
    const opened = await openDerived(new SimulatedStorage({ seed: 1 }), declare);
    await opened.settled(opened.mill.start());
    await opened.settled(opened.payments.append({ ts: 1, account: 'a', amount: 1 }));
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(opened.late.status).toMatchObject({ state: 'stopped', cause: { code: 'INVALID_ARGUMENT' } });
    expect((opened.late.status.cause as Error).message).toContain('outside of a turn');
  });

  it('is refused where something is subscribed to inside a turn', async () => {
    const declare = (mill: Millrace) => {
      const source = mill.stream('payments', { schema });
      const state = fold<Payment, 'account', { n: number }>({
        by: 'account',
        init: () => ({ n: 0 }),
        add: ({ n }) => ({ n: n + 1 }),
      });
      return {
        payments: source,
        stateful: mill.table('stateful', { key: 'account', from: source.pipe(mergeMap((row) => of(row).pipe(state))) }),
        again: mill.table('again', { key: 'account', from: source.pipe(switchMap(() => source)) }),
      };
    };
    const opened = await openDerived(new SimulatedStorage({ seed: 1 }), declare);
    await opened.settled(opened.mill.start());
    await opened.settled(opened.payments.append({ ts: 1, account: 'a', amount: 1 }));
    expect((opened.stateful.status.cause as Error).message).toContain('fold inside a turn');
    expect((opened.again.status.cause as Error).message).toContain('inside a turn');
  });
});

describe('a declaration', () => {
  const refused = async (declare: (mill: Millrace) => unknown, expected: object) => {
    const { mill } = await openDerived(new SimulatedStorage({ seed: 1 }), () => ({}));
    const error = (() => {
      try {
        declare(mill);
        return null;
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(error).toBeInstanceOf(MillraceError);
    expect(error).toMatchObject(expected);
  };
  const source = (mill: Millrace) => mill.stream('payments', { schema });

  it('is refused without a pipeline', () =>
    refused((mill) => mill.stream('x', { from: 5 as never }), { code: 'INVALID_OPTION' }));
  it('is refused where the pipeline reads nothing of the mill', () =>
    refused((mill) => mill.stream('x', { from: of({ a: 1 }), schema: { ts: timestamp() } as never }), {
      code: 'INVALID_ARGUMENT',
    }));
  it('is refused where nobody says what the rows are', () =>
    refused((mill) => mill.stream('x', { from: source(mill).pipe(tap()) }), { code: 'SCHEMA', stream: 'x' }));
  it('is refused where the pipeline gives something at once', () =>
    refused(
      (mill) => mill.stream('x', { from: source(mill).pipe(startWith({ ts: 1, account: 'a', amount: 1 })), schema }),
      {
        code: 'INVALID_ARGUMENT',
      },
    ));
  it('is refused where the key of a table is none', () =>
    refused((mill) => mill.table('x', { from: source(mill), key: [] }), { code: 'INVALID_OPTION' }));
  it('is refused where the name is taken', () =>
    refused(
      (mill) => [
        mill.table('x', { from: source(mill), key: 'account' }),
        mill.table('x', { from: source(mill), key: 'account' }),
      ],
      {
        code: 'NAME_TAKEN',
      },
    ));

  it('is refused once the mill has started', async () => {
    const opened = await openDerived(new SimulatedStorage({ seed: 1 }), (mill) => ({ payments: source(mill) }));
    await opened.settled(opened.mill.start());
    expect(() => opened.mill.table('x', { from: opened.payments, key: 'account' })).toThrow('before start()');
  });
});
