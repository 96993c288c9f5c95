import { map, scan as rxjsScan } from 'rxjs';
import { float64, fold, json, key, type Millrace, scan, string, timestamp } from '../../src/index.js';
import { type CrashOptions, expectSameAfterCrash } from '../../src/testing/index.js';
import { failure } from '../support/stream-mills.js';

const schema = { ts: timestamp(), account: key(string()), amount: float64() };
const rowSchema = schema;
const payments = Array.from({ length: 12 }, (_, at) => ({ ts: at * 1_000, account: 'abc'[at % 3]!, amount: at + 0.5 }));
type Payment = (typeof payments)[number];

const running = (sum: Payment, next: Payment): Payment => ({ ...next, amount: sum.amount + next.amount });

/** A pipeline that loses its state. */
const losing = (options: CrashOptions = {}) =>
  failure(
    expectSameAfterCrash((source) => source.pipe(rxjsScan(running)), payments, { schema, rowSchema, ...options }),
  );

describe('expectSameAfterCrash', () => {
  it('tries crashes all over the run', async () => {
    const tried = await expectSameAfterCrash((source) => source.pipe(scan(running)), payments, {
      schema,
      rowSchema,
      crashPointsMax: 80,
    });
    expect(tried.crashes).toBe(80);
    expect(tried.operations).toBeGreaterThan(150);
  });

  it('fails for a pipeline with an operator of RxJS that remembers, and says where and how to see it again', async () => {
    const error = await losing();
    expect(error).toMatchObject({
      code: 'ERR_ASSERTION',
      expected: { cause: 'event 4' },
      actual: { cause: 'event 4' },
    });
    const lines = error.message.split('\n');
    expect(lines[0]).toMatch(/^It is not the same after a crash at operation \d+ of \d+ \(\w+ mill.*\)\.$/);
    expect(lines.slice(1, 4)).toEqual([
      'Row 4 of stream "rows" differs (rows: 12 without a crash, 12 with it).',
      "  without a crash:  { ts: 4000, account: 'b', amount: 12.5 }, from event 4",
      "  after the crash:  { ts: 4000, account: 'b', amount: 4.5 }, from event 4",
    ]);
    const [, crashAt, seed] = /\{ crashAt: (\d+), seed: (\d+) \}\.$/.exec(error.message)!;
    const again = await losing({ crashAt: Number(crashAt), seed: Number(seed) });
    expect(again.message).toBe(error.message);
  });

  it('fails for one that remembers in a variable', async () => {
    const declare = (mill: Millrace) => {
      let sum = 0;
      const source = mill.stream('payments', { schema });
      const sums = source.pipe(map(({ account, amount }) => ({ account, sum: (sum += amount) })));
      mill.table('sums', { key: 'account', from: sums });
    };
    const error = await failure(expectSameAfterCrash(declare, payments, { points: 'events' }));
    expect(error.message).toContain('Row 0 of table "sums" differs');
  });

  it('passes for whole programs, at every level and however they end', async () => {
    const declare = (mill: Millrace) => {
      const source = mill.stream('payments', { schema });
      const alarms = mill.stream('alarms', { schema });
      const sums = source.pipe(
        fold({
          by: 'account',
          init: () => ({ sum: 0 }),
          add: ({ sum }, { amount }) => {
            if (amount === 5.5) throw new Error('no');
            return { sum: sum + amount };
          },
        }),
      );
      mill.table('sums', { key: 'account', from: sums, onError: 'deadLetter' });
      const counted = alarms.pipe(
        scan((count) => count + 1, 0),
        map((seen) => ({ ts: 0, seen })),
      );
      mill.stream('counted', { from: counted, schema: { ts: timestamp(), seen: json() } });
    };
    const events = payments.map((event, at) => [at % 4 === 1 ? 'alarms' : 'payments', event] as const);
    const some = { crashPointsMax: 15 };
    await expectSameAfterCrash(declare, events, { ...some, options: { vgroups: 3 } });
    await expectSameAfterCrash(declare, events, { ...some, seed: 2, crash: 'kill', options: { walLevel: 'flush' } });
    await expectSameAfterCrash(declare, events, { ...some, seed: 3, options: { walLevel: 'flush' } });
    await expectSameAfterCrash(declare, events, { ...some, seed: 4, options: { walLevel: 'off' }, every: '1s' });
  });

  it.each([
    ['no events', [], {}, /array with events/],
    ['a crash that never comes', payments, { crashAt: 100_000 }, /no crash point: crashAt has 100000.* \d+ operations/],
    ['no crashes', payments, { crashPointsMax: 0 }, /no crash point: option crashPointsMax is 0/],
    ['events of a stream that is not there', [['others', payments[0]!]], {}, /"others" is not a stream.*"events"/],
  ] as const)('refuses %s', async (_, events, options, message) => {
    const tried = expectSameAfterCrash(
      (mill: Millrace) => {
        const source = mill.stream('events', { schema });
        mill.stream('rows', { from: source.pipe(scan(running)), schema });
      },
      events,
      options,
    );
    expect(await failure(tried)).toMatchObject({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(message) });
  });

  it('refuses a program that derives nothing, and one that stops without any crash', async () => {
    const nothing = expectSameAfterCrash((mill: Millrace) => mill.stream('events', { schema }), payments);
    expect((await failure(nothing)).message).toContain('nothing to compare');
    const throwing = expectSameAfterCrash(
      (source) =>
        source.pipe(
          map((row) => {
            if (row.amount > 5) throw new Error('too much');
            return row;
          }),
        ),
      payments,
      { schema, rowSchema },
    );
    expect((await failure(throwing)).message).toMatch(/"rows" stopped at lsn \d+, without a crash: too much/);
  });

  it('says when a program is not the same in each run', async () => {
    let runs = 0;
    const declare = (mill: Millrace) => {
      const source = mill.stream('events', { schema });
      mill.stream('rows', { from: source.pipe(scan(running)), schema });
      // More streams, more to write.
      if (runs++ === 0) for (let more = 0; more < 50; more++) mill.table(`t${more}`, { key: 'account', from: source });
    };
    const error = await failure(expectSameAfterCrash(declare, payments, { crashAt: 600 }));
    expect(error.message).toMatch(/not the same in each run: it never came to operation 600/);
  });
});
