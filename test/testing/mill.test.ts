import { map } from 'rxjs';
import { float64, fold, key, type Millrace, string, timestamp } from '../../src/index.js';
import { type MillOptions, type MillRun, mill } from '../../src/testing/index.js';
import { failure } from '../support/stream-mills.js';

const payment = (ts: number, account: string, amount: number) => ({ ts, account, amount });
const schema = { ts: timestamp(), account: key(string()), amount: float64() };

/** Payments, and what each account has after each of them, in a stream and in a table. */
function declare(mill: Millrace) {
  const payments = mill.stream('payments', { schema });
  const balances = payments.pipe(
    fold({
      by: 'account',
      init: () => ({ ts: 0, balance: 0 }),
      add: ({ balance }, { ts, amount }) => ({ ts, balance: balance + amount }),
    }),
  );
  mill.stream('changes', { from: balances, schema: { ts: timestamp(), account: key(string()), balance: float64() } });
  mill.table('balances', { key: 'account', from: balances });
}

const values = {
  a: payment(1, 'x', 10),
  b: payment(2, 'y', 5),
  c: payment(3, 'x', 7),
  A: { ts: 1, account: 'x', balance: 10 },
  B: { ts: 2, account: 'y', balance: 5 },
  C: { ts: 3, account: 'x', balance: 17 },
};

type Given = string | Record<string, string>;
const run = (marbles: Given, options: Partial<MillOptions> = {}) => mill(marbles, { declare, values, ...options });
const marblesOf = ({ lives }: MillRun, name: string) => lives.map(({ marbles }) => marbles[name]);
const amounts = ({ history }: MillRun) => history.payments!.map(({ event }) => event.amount);

describe('a mill in marbles', () => {
  it('goes on after a crash with all that was durable', async () => {
    const { lives, history, tables, derived } = await run('-a-b-!-c-|');
    expect(lives.map(({ from, marbles }) => ({ from, ...marbles }))).toEqual([
      { from: 0, payments: '-a-b-!', changes: '-A-B-!', balances: '-A-B-!' },
      { from: 5, payments: '     --c-|', changes: '     --C-|', balances: '     --C-|' },
    ]);
    expect(lives.map(({ recovery }) => recovery.events)).toEqual([0, 2]);
    expect(history.payments!.map(({ event }) => event)).toEqual([values.a, values.b, values.c]);
    expect(history.changes!.map(({ event }) => event)).toEqual([values.A, values.B, values.C]);
    expect(history.changes!.map(({ lsn }) => lsn)).toEqual(history.payments!.map(({ lsn }) => lsn));
    expect(tables.balances).toEqual([
      ['x', values.C],
      ['y', values.B],
    ]);
    expect(derived).toMatchObject({ changes: { state: 'live' }, balances: { state: 'live' } });
  });

  it('takes checkpoints where they are marked: what is in one is not replayed', async () => {
    const { lives, tables } = await run('ab^!c!');
    expect(lives.map(({ recovery }) => recovery.events)).toEqual([0, 0, 1]);
    expect(tables.balances).toEqual([
      ['x', values.C],
      ['y', values.B],
    ]);
  });

  it('ends as it stands where nothing closes it', async () => {
    const { lives, history } = await run(' -a- ');
    expect(lives).toMatchObject([{ from: 0, recovery: { clean: true }, marbles: { changes: '-A-' } }]);
    expect(history.changes).toHaveLength(1);
  });

  it('keeps or loses by the seed what is being written when it crashes, and nothing else', async () => {
    const seen = new Set<string>();
    for (let seed = 1; seed <= 12; seed++) {
      const crashed = await run('a(bc!)-', { seed });
      seen.add(amounts(crashed).join());
      expect(marblesOf(crashed, 'payments')[0]).toBe('a!');
      expect(crashed).toEqual(await run('a(bc!)-', { seed }));
    }
    expect([...seen].sort()).toEqual(['10', '10,5,7']);
  });

  it('crashes inside a checkpoint', async () => {
    const replayed = new Set<number>();
    for (let seed = 1; seed <= 8; seed++) {
      const { lives, tables } = await run('abc(^!)-', { seed });
      replayed.add(lives[1]!.recovery.events);
      expect(tables.balances).toEqual([
        ['x', values.C],
        ['y', values.B],
      ]);
    }
    expect([...replayed].toSorted((a, b) => a - b)).toEqual([0, 3]);
  });

  it('takes time to write where the disk is slow', async () => {
    expect(marblesOf(await run('a---------|', { latency: 2 }), 'changes')).toEqual(['----A-----|']);
    expect(amounts(await run('a---!-b-------', { latency: 2, seed: 3 }))).toContain(5);
  });

  it('keeps what the system has when it is killed, whatever was synced', async () => {
    const options = { walLevel: 'flush' } as const;
    for (let seed = 1; seed <= 5; seed++)
      expect(amounts(await run('abc!-', { seed, crash: 'kill', options }))).toEqual([10, 5, 7]);
    const cuts = await Promise.all([1, 2, 3, 4, 5, 6].map((seed) => run('abc!-', { seed, options })));
    expect(cuts.some((cut) => amounts(cut).length < 3)).toBe(true);
  });

  it('has frames as long as is asked for, by the clock of the mill', async () => {
    const seen: number[] = [];
    const declareClock = (mill: Millrace) => {
      declare(mill);
      mill.status$.subscribe((status) => {
        if ('checkpoint' in status && status.checkpoint?.kind === 'started') seen.push(seen.length);
      });
    };
    await run('a---b---', { declare: declareClock, frame: '1m' });
    expect(seen.length).toBeGreaterThanOrEqual(1);
  });

  it('writes several streams, with marks in any of them', async () => {
    const both = (mill: Millrace) => {
      declare(mill);
      mill.stream('others', { schema });
    };
    const { history, lives } = await run({ payments: '-(ab)-!-c', others: '-(cc)----' }, { declare: both });
    expect(lives.map(({ marbles }) => [marbles.payments, marbles.others])).toEqual([
      ['-(ab)-!', '-(cc)-!'],
      ['      --c', '      ---'],
    ]);
    expect([history.payments!.length, history.others!.length]).toEqual([3, 2]);
  });

  it('says why a pipeline has stopped', async () => {
    const declareBroken = (mill: Millrace) => {
      const payments = mill.stream('payments', { schema });
      const from = payments.pipe(
        map((row) => {
          if (row.amount === 5) throw new Error('no fives');
          return row;
        }),
      );
      mill.stream('broken', { from, schema });
    };
    const { derived, lives } = await run('abc', { declare: declareBroken });
    expect(derived.broken).toMatchObject({ state: 'stopped', cause: { message: 'no fives' } });
    expect(lives[0]!.marbles.broken).toBe('a--');
  });
});

describe('what is asked of a mill in marbles', () => {
  const refusals: [what: string, marbles: Given, options: Partial<MillOptions>, message: RegExp][] = [
    ['a letter without an event', '-z', {}, /no event for the letter "z" of stream "payments": there are a, b, c/],
    ['an event that does not fit', 'A', {}, /"A" of stream "payments" in frame 0: .*amount/],
    ['marbles of different lengths', { payments: 'ab', changes: 'a' }, {}, /"payments" has 2, "changes" has 1/],
    ['events of a derived stream', { changes: 'a' }, {}, /"changes" is not a stream that is appended to.*"payments"/],
    ['a group that is not closed', '-(ab', {}, /"-\(ab", character 4: the group is not closed/],
    ['a group that is not open', '-a)', {}, /character 3: no group is open/],
    ['a group in a group', '((a))', {}, /character 2: a group inside a group/],
    ['time in a group', '(a-b)', {}, /character 3: no time passes inside a group/],
    ['events after a crash in one frame', '(!a)', {}, /character 3: in a group, events come before \^, ! and \|/],
    ['two ends in one frame', '(!|)', {}, /character 3: a frame has either "!" or "\|"/],
    ['what happens after the end', 'a|-b', {}, /closed in frame 1 .* frame 3/],
    ['a declaration that waits', 'a', { declare: async () => {} }, /declare must not be async/],
    ['no source stream', 'a', { declare: () => {} }, /declare has declared none/],
  ];
  it.each(refusals)('refuses %s', async (_, marbles, options, message) => {
    const error = await failure(run(marbles, options));
    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(message) });
  });

  it('gives what declare throws', async () => {
    const mistake = new Error('a mistake');
    const declareWrong = () => {
      throw mistake;
    };
    expect(await failure(run('a', { declare: declareWrong }))).toBe(mistake);
  });
});
