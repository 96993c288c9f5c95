import { filter, map, merge } from 'rxjs';
import {
  avg,
  count,
  type DerivedStream,
  float64,
  key,
  type Millrace,
  session,
  stateWindow,
  string,
  sum,
  timestamp,
  tumbling,
  windowed,
} from '../../../src/index.js';
import { SimulatedStorage } from '../../../src/storage/simulated-storage.js';
import { openDerived, recordsOf } from '../../support/derived-mills.js';

const START = Date.UTC(2024, 0, 1);
const schema = { ts: timestamp(), device: key(string()), value: float64() };
const at = (second: number, value = second, device = 'a') => ({ ts: START + second * 1_000, device, value });

/** What a row says, in seconds. */
const brief = ({ device, start, end, count: n, revision, final }: Record<string, unknown>): string =>
  `${device as string} [${((start as number) - START) / 1000}, ${((end as number) - START) / 1000}) n=${n as number}${revision === 0 ? '' : ` #${revision as number}`}${final ? '' : ' …'}`;

type Opened = Awaited<ReturnType<typeof openDerived<ReturnType<typeof declareDelayed>>>>;

const declareDelayed = (mill: Millrace) => {
  const readings = mill.stream('readings', { schema });
  const options = { by: 'device', lateness: '2s', maxDelay: '10s', aggregate: { total: sum('value') } } as const;
  return {
    readings,
    minutes: mill.stream('minutes', { from: readings.pipe(windowed(tumbling('1m'), options)) }),
    visits: mill.stream('visits', { from: readings.pipe(windowed(session('30s'), options)) }),
    waits: mill.stream('waits', {
      from: readings.pipe(
        windowed(
          stateWindow(({ value }) => value),
          { ...options, aggregate: { n: count() } },
        ),
      ),
    }),
  };
};

const historyOf = async (stream: 'minutes' | 'visits' | 'waits', opened: Opened): Promise<string[]> =>
  (await recordsOf<unknown>(opened[stream] as Pick<DerivedStream<unknown>, 'records'>, opened)).map(({ event }) =>
    brief(event as Record<string, unknown>),
  );

describe('windows of a silent source', () => {
  it('end by the clock, once', async () => {
    const opened = await openDerived(new SimulatedStorage({ seed: 1 }), declareDelayed, {}, START);
    const { settled, driver, readings } = opened;
    await settled(opened.mill.start());
    await settled(readings.appendMany([at(1), at(5), at(59)]));
    expect(await historyOf('minutes', opened)).toEqual([]);
    // To read takes some seconds too.
    await settled(driver.pause(45_000));
    expect(await historyOf('minutes', opened)).toEqual([]);
    await settled(driver.pause(20_000));
    expect(await historyOf('minutes', opened)).toEqual(['a [0, 60) n=3']);
    // [1, 35) has ended by an event, [59, 89) has not ended yet.
    expect(await historyOf('visits', opened)).toEqual(['a [1, 35) n=2']);
    await settled(driver.pause(30_000));
    expect(await historyOf('visits', opened)).toEqual(['a [1, 35) n=2', 'a [59, 89) n=1']);
    // Nothing is open: no more ticks, however long nothing comes.
    const { nextLsn } = opened.mill.metrics();
    await settled(driver.pause(600_000));
    expect(opened.mill.metrics().nextLsn).toBe(nextLsn);
    // What comes for them now is late.
    await settled(readings.append(at(30)));
    expect(await historyOf('minutes', opened)).toEqual(['a [0, 60) n=3']);
    await settled(opened.mill.close());
  });

  it('give waiting events their turn, where windows end by events only', async () => {
    const opened = await openDerived(new SimulatedStorage({ seed: 1 }), declareDelayed, {}, START);
    await opened.settled(opened.mill.start());
    await opened.settled(opened.readings.appendMany([at(1, 7), at(2, 8)]));
    expect(await historyOf('waits', opened)).toEqual([]);
    await opened.settled(opened.driver.pause(13_000));
    expect(await historyOf('waits', opened)).toEqual(['a [1, 2) n=1']);
  });

  it('end at the same places after a crash', async () => {
    let opened = await openDerived(new SimulatedStorage({ seed: 2 }), declareDelayed, {}, START);
    await opened.settled(opened.mill.start());
    await opened.settled(opened.readings.appendMany([at(1), at(50), at(70)]));
    await opened.settled(opened.driver.pause(30_000));
    await opened.settled(opened.mill.checkpoint());
    await opened.settled(opened.driver.pause(45_000));
    const before = await Promise.all((['minutes', 'visits', 'waits'] as const).map((name) => historyOf(name, opened)));
    expect(before[0]).toEqual(['a [0, 60) n=2']);
    const fingerprint = await opened.settled(opened.mill.fingerprint());
    opened = await openDerived(opened.disk.crash(), declareDelayed, {}, opened.clock.now());
    await opened.settled(opened.mill.start());
    expect(await opened.settled(opened.mill.fingerprint())).toBe(fingerprint);
    await opened.settled(opened.driver.pause(120_000));
    expect(await historyOf('minutes', opened)).toEqual(['a [0, 60) n=2', 'a [60, 120) n=1']);
    await opened.settled(opened.mill.close());
  });
});

const declareMerged = (idle?: string) => (mill: Millrace) => {
  const left = mill.stream('left', { schema });
  const right = mill.stream('right', { schema });
  const limits = mill.stream('limits', { schema });
  const minutes = mill.stream('minutes', {
    from: merge(left, right.pipe(filter(({ value }) => value >= 0))).pipe(
      windowed(tumbling('1m'), { by: 'device', aggregate: { mean: avg('value') }, ...(idle && { idle }) }),
    ),
  });
  return { left, right, limits, minutes };
};

describe('windows of several inputs', () => {
  const rows = async (opened: Awaited<ReturnType<typeof openMerged>>): Promise<string[]> =>
    (await recordsOf(opened.minutes, opened)).map(({ event }) => brief(event as Record<string, unknown>));
  const openMerged = (from: SimulatedStorage, idle?: string, now = START) =>
    openDerived(from, declareMerged(idle), {}, now);

  it('end when all inputs have passed their end', async () => {
    const opened = await openMerged(new SimulatedStorage({ seed: 1 }));
    const { settled, left, right } = opened;
    await settled(opened.mill.start());
    await settled(left.append(at(10)));
    await settled(left.append(at(70)));
    expect(await rows(opened)).toEqual([]);
    await settled(right.append(at(50)));
    expect(await rows(opened)).toEqual([]);
    await settled(right.append(at(61)));
    expect(await rows(opened)).toEqual(['a [0, 60) n=2']);
  });

  it('do not wait for an input that is idle, and wait again once it has an event', async () => {
    let opened = await openMerged(new SimulatedStorage({ seed: 1 }), '20s');
    await opened.settled(opened.mill.start());
    await opened.settled(opened.left.append(at(10)));
    await opened.settled(opened.left.append(at(70)));
    // By the clock it is as late as the events say: it is held back from then on.
    opened = await openMerged(opened.disk.kill(), '20s', START + 71_000);
    await opened.settled(opened.mill.start());
    await opened.settled(opened.mill.checkpoint());
    await opened.settled(opened.driver.pause(10_000));
    expect(await rows(opened)).toEqual([]);
    await opened.settled(opened.driver.pause(15_000));
    expect(await rows(opened)).toEqual(['a [0, 60) n=1']);
    await opened.settled(opened.right.append(at(80)));
    await opened.settled(opened.left.append(at(130)));
    expect(await rows(opened)).toEqual(['a [0, 60) n=1']);
    opened = await openMerged(opened.disk.crash(), '20s', START + 131_000);
    await opened.settled(opened.mill.start());
    expect(await rows(opened)).toEqual(['a [0, 60) n=1']);
    await opened.settled(opened.right.append(at(125)));
    expect(await rows(opened)).toEqual(['a [0, 60) n=1', 'a [60, 120) n=2']);
    await opened.settled(opened.mill.close());
  });

  it('wait for ever where that is asked for', async () => {
    const opened = await openMerged(new SimulatedStorage({ seed: 1 }), 'never');
    await opened.settled(opened.mill.start());
    await opened.settled(opened.left.appendMany([at(10), at(70)]));
    const { nextLsn } = opened.mill.metrics();
    await opened.settled(opened.driver.pause(600_000));
    expect(await rows(opened)).toEqual([]);
    expect(opened.mill.metrics().nextLsn).toBe(nextLsn);
  });
});

const declareSided = (mill: Millrace) => {
  const readings = mill.stream('readings', { schema });
  const late = { correct: '30s', side: true } as const;
  return {
    readings,
    sided: mill.stream('sided', {
      from: readings.pipe(
        windowed(tumbling('1m'), { by: 'device', late: 'side', aggregate: { n: count() } }),
        map(({ device, start, n }) => ({ device, start, n })),
      ),
      schema: { device: key(string()), start: timestamp(), n: float64() },
    }),
    corrected: mill.stream('corrected', {
      from: readings.pipe(windowed(tumbling('1m'), { by: 'device', late, aggregate: { total: sum('value') } })),
    }),
    totals: mill.table('totals', {
      key: 'device',
      from: readings.pipe(windowed(tumbling('1m'), { by: 'device', late: 'side', aggregate: { n: count() } })),
    }),
  };
};

describe('late events', () => {
  it('go to the side stream, those that correct only when they are later still; the same after a crash', async () => {
    let opened = await openDerived(new SimulatedStorage({ seed: 3 }), declareSided, {}, START);
    await opened.settled(opened.mill.start());
    await opened.settled(opened.readings.appendMany([at(10), at(70), at(20), at(100), at(30, 5)]));
    const sides = async (now: typeof opened) =>
      Promise.all(
        [now.sided.late!, now.corrected.late!, now.totals.late!].map(async (side) =>
          (await recordsOf(side, now)).map(({ lsn, event }) => [lsn, (event.ts - START) / 1000, event.event]),
        ),
      );
    const lsns = (await recordsOf(opened.readings, opened)).map(({ lsn }) => lsn);
    const expected = [
      [
        [lsns[2], 20, at(20)],
        [lsns[4], 30, at(30, 5)],
      ],
      [[lsns[4], 30, at(30, 5)]],
      [
        [lsns[2], 20, at(20)],
        [lsns[4], 30, at(30, 5)],
      ],
    ];
    expect(await sides(opened)).toEqual(expected);
    expect((await recordsOf(opened.corrected, opened)).map(({ event }) => brief(event))).toEqual([
      'a [0, 60) n=1',
      'a [0, 60) n=2 #1',
    ]);
    expect(opened.sided.late!.name).toBe('sided.late');
    const counted = opened.mill.metrics().derived.map(({ name, counters }) => [name, counters]);
    expect(counted).toEqual([
      ['sided', { '0-windowed/late': 2 }],
      ['corrected', { '0-windowed/late': 1 }],
      ['totals', { '0-windowed/late': 2 }],
    ]);
    await opened.settled(opened.mill.checkpoint());
    await opened.settled(opened.readings.append(at(15)));
    opened = await openDerived(opened.disk.crash(), declareSided, {}, START);
    await opened.settled(opened.mill.start());
    const after = await sides(opened);
    expect(after.map((rows) => rows.length)).toEqual([3, 2, 3]);
    expect(after.map((rows) => rows.slice(0, -1))).toEqual(expected);
    await opened.settled(opened.mill.close());
  });
});
