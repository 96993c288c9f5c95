import fc from 'fast-check';
import {
  count,
  key,
  type Millrace,
  type Recorded,
  session,
  string,
  timestamp,
  tumbling,
  windowed,
} from '../../../src/index.js';
import { SimulatedStorage } from '../../../src/storage/simulated-storage.js';
import {
  causeAll,
  type OpenedBursts,
  openBursts,
  rowsOf,
  type WindowLike,
  windowSchema,
} from '../../support/derived-bursts.js';
import { openDerived, recordsOf } from '../../support/derived-mills.js';
import { thrown } from '../../support/stream-mills.js';

const idOf = ({ device, start, end }: WindowLike) => `${device} ${start} ${end}`;

/** What is left of rows in the order in which they were written: of each window the last correction, if it was not taken back. */
function shown(rows: readonly WindowLike[]): WindowLike[] {
  const highest = new Map<string, WindowLike>();
  for (const row of rows) {
    const before = highest.get(idOf(row));
    if (before === undefined || row.revision > before.revision) highest.set(idOf(row), row);
  }
  return rows.filter((row) => {
    const last = highest.get(idOf(row))!;
    return row.revision === last.revision && !(row.revision > 0 && row.count === 0);
  });
}

/** Rows as windows give them: most once, some corrected, some of those taken back. */
class Windows {
  private readonly open: WindowLike[] = [];
  private next = 0;

  /** `choices`: of each row, below 6 a new window; else a correction of an older one, or taking it back. */
  burst(choices: readonly number[]): WindowLike[] {
    return choices.map((choice) => {
      const known = this.open.length > 0 ? this.open[(choice * 7) % this.open.length]! : undefined;
      if (choice >= 6 && known !== undefined) {
        const corrected = { ...known, revision: known.revision + 1, count: choice % 3 === 0 ? 0 : known.count + 1 };
        this.open[this.open.indexOf(known)] = corrected;
        return corrected;
      }
      const start = this.next++ >> 2;
      const fresh = { device: 'abcd'[this.next % 4]!, start, end: start + 5, count: 1, revision: 0, final: true };
      this.open.push(fresh);
      return fresh;
    });
  }
}

async function assertShown(opened: OpenedBursts, records: readonly Recorded<WindowLike>[], seed: number) {
  const { windows, settled } = opened;
  const all = records.map(({ event }) => event);
  const left = shown(all);
  const read = (options: Parameters<typeof windows.history>[0]) => rowsOf(opened, windows.history(options));
  expect(await read({})).toEqual(left);
  expect(await read({ order: 'desc' })).toEqual(left.toReversed());
  expect(await read({ revisions: 'all' })).toEqual(all);
  expect(await read({ revisions: 'all', order: 'desc' })).toEqual(all.toReversed());
  const limit = seed % (all.length + 2);
  expect(await read({ limit })).toEqual(left.slice(0, limit));
  expect(await read({ limit, order: 'desc' })).toEqual(left.toReversed().slice(0, limit));
  const [from, to] = [seed % 6, (seed % 6) + 4];
  const wanted = left.filter(({ device, start }) => device === 'b' && start >= from && start < to);
  expect(await read({ where: { device: 'b' }, from, to })).toEqual(wanted);
  for (const order of ['asc', 'desc'] as const) {
    const counts = left.map((row) => ({ count: row.count }));
    const expected = order === 'asc' ? counts : counts.toReversed();
    expect(await rowsOf(opened, windows.history({ columns: ['count'], order }))).toEqual(expected);
  }
  for (const device of 'abcd')
    expect(await settled(windows.latest(device))).toEqual(left.findLast((row) => row.device === device));
  expect(await settled(windows.count())).toBe(left.length);
  expect(await settled(windows.count({ revisions: 'all' }))).toBe(all.length);
  expect(await recordsOf(windows, opened)).toEqual(records);
  for (const [revisions, rows] of [
    ['highest', left],
    ['all', all],
  ] as const) {
    const batches = await rowsOf(opened, windows.batches({ columns: ['start'], revisions }));
    expect(batches.every(({ columns }) => Object.keys(columns).join() === 'start')).toBe(true);
    const starts = batches.flatMap(({ columns }) => [...columns.start]);
    expect(starts.toSorted((a, b) => a - b)).toEqual(rows.map(({ start }) => start).toSorted((a, b) => a - b));
  }
}

describe('windows that were corrected', () => {
  it('are read as their highest revision, where that stands, or with all', async () => {
    const step = fc.oneof(
      {
        weight: 5,
        arbitrary: fc.array(fc.array(fc.nat({ max: 9 }), { maxLength: 12 }), { minLength: 1, maxLength: 3 }),
      },
      { weight: 2, arbitrary: fc.constant('checkpoint' as const) },
      { weight: 1, arbitrary: fc.constant('restart' as const) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 9 }), fc.nat(), async (steps, seed) => {
        let opened = await openBursts();
        const made = new Windows();
        const records: Recorded<WindowLike>[] = [];
        for (const one of steps) {
          if (one === 'checkpoint') await opened.settled(opened.mill.checkpoint());
          else if (one === 'restart') opened = await openBursts(5, opened.disk.kill());
          else
            records.push(
              ...(await causeAll(
                opened,
                one.map((choices) => made.burst(choices)),
              )),
            );
        }
        await assertShown(opened, records, seed);
      }),
      { numRuns: 25 },
    );
  });

  it('are as they were when the reading began', async () => {
    const opened = await openBursts(7);
    const { windows, settled, mill } = opened;
    const fresh = Array.from({ length: 1_200 }, (_, start) => {
      return { device: 'a', start, end: start + 1, count: 1, revision: 0, final: true };
    });
    await causeAll(opened, [fresh]);
    await settled(mill.checkpoint());
    const corrected = (row: WindowLike): WindowLike => ({ ...row, revision: row.revision + 1, count: 2 });
    await causeAll(opened, [[corrected(fresh[3]!), corrected(fresh[1_199]!)]]);
    const rows = windows.history()[Symbol.asyncIterator]();
    const found: WindowLike[] = [(await settled(rows.next())).value as WindowLike];
    await causeAll(opened, [[corrected(fresh[1_100]!), corrected(corrected(fresh[3]!))]]);
    await settled(mill.checkpoint());
    for (let result = await settled(rows.next()); !result.done; result = await settled(rows.next()))
      found.push(result.value);
    const expected = [
      ...fresh.filter(({ start }) => start !== 3 && start !== 1_199),
      corrected(fresh[3]!),
      corrected(fresh[1_199]!),
    ];
    expect(found).toEqual(expected);
  });

  it('stay apart where several windows of a key have the same start and end', async () => {
    const opened = await openBursts();
    const twin = { device: 'a', start: 5, end: 5, count: 2, revision: 0, final: true };
    await causeAll(opened, [[twin, twin]]);
    expect(await rowsOf(opened, opened.windows.history())).toEqual([twin, twin]);
  });

  it('are refused with another word than highest or all', async () => {
    const { windows, settled } = await openBursts();
    const wrong = { revisions: 'some' } as never;
    expect(thrown(() => windows.history(wrong))).toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(thrown(() => windows.batches(wrong))).toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(thrown(() => windows.count(wrong))).toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(await settled(windows.count())).toBe(0);
  });
});

const declareVisits = (mill: Millrace) => {
  const clicks = mill.stream('clicks', { schema: { ts: timestamp(), user: key(string()) } });
  const options = { by: 'user', late: { correct: '1h' }, aggregate: { n: count() } } as const;
  return {
    clicks,
    visits: mill.stream('visits', { from: clicks.pipe(windowed(session('10s'), options)) }),
    minutes: mill.stream('minutes', { from: clicks.pipe(windowed(tumbling('1m'), options)) }),
  };
};

describe('rows of windowed', () => {
  it('hide sessions that moved and minutes that were corrected, also where nobody declares them any more', async () => {
    let opened = await openDerived(new SimulatedStorage({ seed: 4 }), declareVisits);
    await opened.settled(opened.mill.start());
    const click = (seconds: number, user = 'u') => ({ ts: seconds * 1_000, user });
    await opened.settled(opened.clicks.appendMany([click(0), click(100), click(300, 'v')]));
    // Makes the first session longer, which had ended, and corrects its minute.
    await opened.settled(opened.clicks.appendMany([click(8), click(600, 'v')]));
    const assertAll = async ({ visits, minutes }: Pick<typeof opened, 'visits' | 'minutes'>) => {
      const sessions = await rowsOf(opened, visits.history({ where: { user: 'u' } }));
      expect(sessions.map(({ start, end, n }) => [start, end, n])).toEqual([
        [100_000, 110_000, 1],
        [0, 18_000, 2],
      ]);
      const all = await rowsOf(opened, visits.history({ where: { user: 'u' }, revisions: 'all' }));
      expect(all.map(({ start, end, count: events }) => [start, end, events])).toEqual([
        [0, 10_000, 1],
        [100_000, 110_000, 1],
        [0, 10_000, 0],
        [0, 18_000, 2],
      ]);
      const first = await rowsOf(opened, minutes.history({ to: 60_000 }));
      expect(first).toMatchObject([{ start: 0, n: 2, revision: 1 }]);
    };
    await assertAll(opened);
    await opened.settled(opened.mill.checkpoint());
    await assertAll(opened);
    const remembered = await openDerived(opened.disk.kill(), () => ({}));
    await remembered.settled(remembered.mill.start());
    opened = remembered as never;
    const { mill } = remembered;
    await assertAll({ visits: mill.stream('visits') as never, minutes: mill.stream('minutes') as never });
  });

  it('of a stream that is appended to are read as they are', async () => {
    const declare = (mill: Millrace) => ({ plain: mill.stream('plain', { schema: windowSchema }) });
    const opened = await openDerived(new SimulatedStorage({ seed: 4 }), declare);
    await opened.settled(opened.mill.start());
    const row = { device: 'a', start: 1, end: 2, count: 1, revision: 0, final: true };
    const rows = [row, { ...row, revision: 1 }];
    await opened.settled(opened.plain.appendMany(rows));
    expect(await rowsOf(opened, opened.plain.history())).toEqual(rows);
    expect(await opened.settled(opened.plain.count())).toBe(2);
  });
});
