import fc from 'fast-check';
import { firstValueFrom, mergeMap, take, toArray } from 'rxjs';
import { float64, key, type Millrace, type Recorded, string, timestamp } from '../../../src/index.js';
import {
  causeAll,
  declareBursts,
  type OpenedBursts,
  openBursts,
  rowsOf,
  type WindowLike,
} from '../../support/derived-bursts.js';
import { openDerived, recordsOf } from '../../support/derived-mills.js';

/** Rows of one event, each of another window: none is a correction. */
const burst = (count: number, first: number): WindowLike[] =>
  Array.from({ length: count }, (_, at) => {
    const start = first + at;
    return { device: 'cab'[start % 3]!, start, end: start + 1, count: 1, revision: 0, final: true };
  });

const eventsOf = (records: readonly Recorded<WindowLike>[]) => records.map(({ event }) => event);

async function assertRead(opened: OpenedBursts, expected: readonly Recorded<WindowLike>[], seed: number) {
  const { windows, settled } = opened;
  const events = eventsOf(expected);
  expect(await recordsOf(windows, opened)).toEqual(expected);
  expect(await rowsOf(opened, windows.history())).toEqual(events);
  expect(await rowsOf(opened, windows.history({ order: 'desc' }))).toEqual(events.toReversed());
  const limit = seed % (events.length + 2);
  expect(await rowsOf(opened, windows.history({ limit }))).toEqual(events.slice(0, limit));
  expect(await rowsOf(opened, windows.history({ limit, order: 'desc' }))).toEqual(events.toReversed().slice(0, limit));
  const ofA = events.filter(({ device }) => device === 'a');
  expect(await rowsOf(opened, windows.history({ where: { device: 'a' } }))).toEqual(ofA);
  expect(await settled(windows.latest('a'))).toEqual(ofA.at(-1));
  const range = { from: seed % 40, to: (seed % 40) + 25 };
  const inRange = events.filter(({ start }) => start >= range.from && start < range.to);
  expect(await rowsOf(opened, windows.history({ ...range, order: 'desc', columns: ['end'] }))).toEqual(
    inRange.toReversed().map(({ end }) => ({ end })),
  );
  expect(await settled(windows.count())).toBe(events.length);
  const batches = await rowsOf(opened, windows.batches({ positions: true, columns: ['start'] }));
  const placed = batches.flatMap(({ rows, lsns, indexes, columns }) =>
    Array.from({ length: rows }, (_, row) => [lsns![row]!, indexes?.[row] ?? 0, columns.start[row]!] as const),
  );
  placed.sort(([lsnA, indexA], [lsnB, indexB]) => lsnA - lsnB || indexA - indexB);
  expect(placed).toEqual(expected.map(({ lsn, index, event }) => [lsn, index, event.start]));
}

describe('a derived stream with many rows of one lsn', () => {
  it('is read in order, whole and in parts, from memory and from blocks that end inside an lsn', async () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.array(fc.nat({ max: 17 }), { minLength: 1, maxLength: 3 }) },
      { weight: 3, arbitrary: fc.constant('checkpoint' as const) },
      { weight: 1, arbitrary: fc.constant('restart' as const) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 9 }), fc.nat(), async (steps, seed) => {
        let opened = await openBursts();
        const expected: Recorded<WindowLike>[] = [];
        let start = 0;
        for (const one of steps) {
          if (one === 'checkpoint') await opened.settled(opened.mill.checkpoint());
          else if (one === 'restart') opened = await openBursts(5, opened.disk.kill());
          else {
            const bursts = one.map((count) => burst(count, (start += count) - count));
            expected.push(...(await causeAll(opened, bursts)));
          }
        }
        await assertRead(opened, expected, seed);
      }),
      { numRuns: 25 },
    );
  });

  it('has the same fingerprint before and after checkpoints, merges and a crash', async () => {
    let opened = await openBursts();
    const same = async () => {
      const before = await opened.settled(opened.mill.fingerprint());
      await opened.settled(opened.mill.checkpoint());
      await opened.settled(opened.driver.pause(1_000));
      expect(await opened.settled(opened.mill.fingerprint())).toBe(before);
      opened = await openBursts(5, opened.disk.kill());
      expect(await opened.settled(opened.mill.fingerprint())).toBe(before);
    };
    for (let round = 0; round < 6; round++) {
      await causeAll(opened, [burst(13, round * 100), burst(1, round * 100 + 50), burst(4, round * 100 + 60)]);
      await same();
    }
  });

  it('gives the index of a row also live', async () => {
    const opened = await openBursts();
    const live: Recorded<WindowLike>[] = [];
    const followed: Recorded<WindowLike>[] = [];
    opened.windows.records().subscribe((record) => live.push(record));
    opened.windows.records('earliest').subscribe((record) => followed.push(record));
    const expected = await causeAll(opened, [burst(3, 0), burst(2, 10)]);
    expect(live).toEqual(expected);
    expect(followed).toEqual(expected);
    expect(expected.map(({ index }) => index)).toEqual([0, 1, 2, 0, 1]);
  });

  it.each(['asc', 'desc'] as const)('is read whole (%s) while segments are merged under the reader', async (order) => {
    const opened = await openBursts(7);
    const { windows, settled, mill } = opened;
    const expected: Recorded<WindowLike>[] = [];
    for (let round = 0; round < 4; round++) {
      expected.push(...(await causeAll(opened, [burst(600, round * 1_000), burst(300, round * 1_000 + 600)])));
      if (round < 3) await settled(mill.checkpoint());
    }
    const rows = windows.history({ order })[Symbol.asyncIterator]();
    const found: WindowLike[] = [];
    for (let result = await settled(rows.next()); !result.done; result = await settled(rows.next())) {
      found.push(result.value);
      if (found.length % 500 !== 250) continue;
      // Later rows, which are not of this reading, and merges.
      await causeAll(opened, [burst(20, 10_000 + found.length)]);
      await settled(mill.checkpoint());
    }
    const events = eventsOf(expected);
    expect(found).toEqual(order === 'asc' ? events : events.toReversed());
  });

  it('is followed without gap or double by a slow reader, while it grows and is merged', async () => {
    const opened = await openBursts(7);
    const { windows, settled, mill } = opened;
    const expected = await causeAll(opened, [burst(1_700, 0)]);
    await settled(mill.checkpoint());
    const reading = windows.records('earliest')[Symbol.asyncIterator]();
    const found: Recorded<WindowLike>[] = [];
    for (let at = 0; at < 4_000; at++) {
      found.push((await settled(reading.next())).value as Recorded<WindowLike>);
      if (at % 400 !== 200 || expected.length >= 4_000) continue;
      expected.push(...(await causeAll(opened, [burst(500, 10_000 + at), burst(3, 20_000 + at)])));
      await settled(mill.checkpoint());
    }
    expect(found).toEqual(expected.slice(0, 4_000));
  });

  it('gives a second derivation all rows of a turn, also where they are in several blocks', async () => {
    const opened = await openBursts(4);
    const expected = await causeAll(opened, [burst(11, 0), burst(1, 20), burst(9, 30)]);
    await opened.settled(opened.mill.checkpoint());
    expected.push(...(await causeAll(opened, [burst(6, 50)])));
    const declare = (mill: Millrace) => {
      const bursts = declareBursts(mill);
      const from = bursts.windows.pipe(
        mergeMap(({ device, start }) => [
          { device, ts: start, half: 0 },
          { device, ts: start, half: 1 },
        ]),
      );
      const halves = mill.stream('halves', {
        from,
        schema: { device: key(string()), ts: timestamp(), half: float64() },
      });
      return { ...bursts, halves };
    };
    const reopened = await openDerived(opened.disk.kill(), declare);
    await reopened.settled(reopened.mill.start());
    await reopened.settled(reopened.driver.pause(1_000));
    expect(reopened.halves.status.state).toBe('live');
    const ordinals = new Map<number, number>();
    const halves = expected.flatMap(({ lsn, event: { device, start } }) =>
      [0, 1].map((half) => {
        const index = ordinals.get(lsn) ?? 0;
        ordinals.set(lsn, index + 1);
        return { lsn, index, event: { device, ts: start, half } };
      }),
    );
    expect(await recordsOf(reopened.halves, reopened)).toEqual(halves);
  });

  it('may have more rows of one lsn than a block', async () => {
    const rows = 80_000;
    const opened = await openBursts(65_536);
    const [cause] = await causeAll(opened, [burst(2, 1_000_000)]);
    const declare = (mill: Millrace) => {
      const bursts = declareBursts(mill);
      const from = bursts.windows.pipe(
        mergeMap(({ start }) => Array.from({ length: rows / 2 }, (_, at) => ({ ts: start, device: `d${at % 3}`, at }))),
      );
      const many = mill.stream('many', { from, schema: { ts: timestamp(), device: key(string()), at: float64() } });
      return { ...bursts, many };
    };
    let reopened = await openDerived(opened.disk.kill(), declare);
    await reopened.settled(reopened.mill.start());
    await reopened.settled(reopened.driver.pause(5_000));
    const before = await reopened.settled(reopened.mill.fingerprint());
    const assertAll = async () => {
      const found = await reopened.settled(
        firstValueFrom(reopened.many.records('earliest').pipe(take(rows), toArray())),
      );
      expect(found.every(({ lsn, index }, at) => lsn === cause!.lsn && index === at)).toBe(true);
      const back = await reopened.settled(firstValueFrom(reopened.many.history({ order: 'desc' }).pipe(toArray())));
      expect(back.map(({ at }) => at).join()).toBe(
        found
          .map(({ event }) => event.at)
          .toReversed()
          .join(),
      );
      expect(await reopened.settled(reopened.mill.fingerprint())).toBe(before);
    };
    await assertAll();
    await reopened.settled(reopened.mill.checkpoint());
    await assertAll();
    reopened = await openDerived(reopened.disk.kill(), declare);
    await reopened.settled(reopened.mill.start());
    await assertAll();
  });
});
