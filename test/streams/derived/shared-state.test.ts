import { filter, map } from 'rxjs';
import {
  float64,
  fold,
  key,
  type Millrace,
  pairwise,
  reducer,
  scan,
  string,
  timestamp,
  tumbling,
  windowed,
  withLatestFrom,
} from '../../../src/index.js';
import { SimulatedStorage } from '../../../src/storage/simulated-storage.js';
import { openDerived, payments, recordsOf } from '../../support/derived-mills.js';

const schema = { ts: timestamp(), account: key(string()), amount: float64() };
const pairSchema = { ts: timestamp(), before: float64(), now: float64() };

/** Pipelines whose functions change their state in place, in front of what keeps what they give. */
function declare(mill: Millrace) {
  const source = mill.stream('payments', { schema });
  const folded = source.pipe(
    fold({
      by: 'account',
      init: () => ({ ts: 0, seen: [] as number[] }),
      add: (state, { ts, amount }) => {
        state.seen.push(amount);
        state.ts = ts;
        return state;
      },
    }),
  );
  const scanned = source.pipe(
    scan(
      (state, { ts }) => {
        state.ts = ts;
        state.times.n++;
        return state;
      },
      { ts: 0, times: { n: 0 } },
    ),
  );
  const largest = source.pipe(
    scan((state, { amount }) => {
      // The first event is the state.
      (state as { amount: number }).amount = Math.max(state.amount, amount);
      return state;
    }),
  );
  const everyThird = mill.table('everyThird', {
    key: 'account',
    from: folded.pipe(filter(({ seen }) => seen.length % 3 === 1)),
  });
  const pairs = mill.stream('pairs', {
    from: scanned.pipe(
      pairwise(),
      map(([before, now]) => ({ ts: now.ts, before: before.times.n, now: now.times.n })),
    ),
    schema: pairSchema,
  });
  const known = mill.stream('known', {
    from: source.pipe(
      withLatestFrom(folded.pipe(filter(({ account }) => account === 'a'))),
      map(([{ ts, amount }, { seen }]) => ({ ts, before: seen.length, now: amount })),
    ),
    schema: pairSchema,
  });
  const maxima = mill.table('maxima', { key: 'account', from: largest });
  const lists = mill.table('lists', {
    key: 'account',
    from: source.pipe(
      windowed(tumbling('5s'), {
        by: 'account',
        emit: 'updates',
        aggregate: {
          amounts: reducer({
            init: () => [] as number[],
            add: (list, { amount }: { amount: number }) => {
              list.push(amount);
              return list;
            },
            result: (list) => list,
          }),
        },
      }),
      filter(({ amounts }) => amounts.length === 1),
    ),
  });
  return { source, everyThird, pairs, known, maxima, lists };
}

const open = async (disk: SimulatedStorage) => {
  const opened = await openDerived(disk, declare);
  await opened.settled(opened.mill.start());
  return opened;
};

async function contentOf(opened: Awaited<ReturnType<typeof open>>) {
  const { everyThird, pairs, known, maxima, lists } = opened;
  return {
    everyThird: [...everyThird.entries()],
    pairs: (await recordsOf(pairs, opened)).map(({ event }) => [event.before, event.now]),
    known: (await recordsOf(known, opened)).map(({ event }) => event),
    maxima: [...maxima.entries()],
    lists: [...lists.entries()].map(([, { amounts }]) => amounts),
  };
}

it('keeps rows as they were, whatever becomes of the state that they were made of, also after a crash', async () => {
  const heard: number[] = [];
  let opened = await open(new SimulatedStorage({ seed: 1 }));
  const rows: { amount: number }[] = [];
  opened.source.subscribe((row) => {
    rows.push(row);
    heard.push(row.amount);
  });
  for (let at = 0; at < 14; at++) {
    await opened.settled(opened.source.append(payments(at, 1)[0]!));
    if (at === 7) await opened.settled(opened.mill.checkpoint());
  }
  const live = await contentOf(opened);
  expect(live.everyThird.map(([, { seen }]) => seen.length)).toEqual([4, 4, 4]);
  expect(live.pairs).toEqual(Array.from({ length: 13 }, (_, at) => [at + 1, at + 2]));
  expect(live.lists.map(({ length }) => length)).toEqual([1, 1, 1]);
  expect(rows.map(({ amount }) => amount)).toEqual(heard);
  opened = await open(opened.disk.kill());
  expect(await contentOf(opened)).toEqual(live);
});
