import type { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import { type KnownMill, knownMill } from '../support/log-damage.js';
import { EPOCH, LogMill, READINGS, type SmallMill } from '../support/log-mill.js';

/** The values in the small mill's stream `readings`, by the commit that they are in. */
const WRITTEN = new Map([
  [2, [1]],
  [3, [2, 3, 4, 5, 6, 7]],
  [4, [9]],
  [6, [10]],
  [7, [11, 12]],
]);
const valuesUpTo = (commit: number) =>
  [...WRITTEN].filter(([number]) => number <= commit).flatMap(([, values]) => values);

/** Starts a mill on the disk, reads its history, appends a value, and closes it. */
async function session(disk: SimulatedStorage, about: SmallMill, value: number) {
  const log = new LogMill(disk, { walLevel: about.level });
  const readings = log.mill.stream('readings', { schema: READINGS });
  await log.until(log.mill.start());
  const { lsn } = await log.until(readings.append({ ts: EPOCH, device: 'z', value }));
  const found: number[] = [];
  const lsns: number[] = [];
  readings.records('earliest').subscribe((record) => {
    found.push(record.event.value);
    lsns.push(record.lsn);
  });
  await log.until(log.mill.close());
  return { recovery: log.mill.recovery!, lsn, found, lsns };
}

describe.each<SmallMill>([
  { vgroups: 1, level: 'sync', end: 'unclean' },
  { vgroups: 1, level: 'flush', end: 'unclean' },
  { vgroups: 4, level: 'flush', end: 'unclean' },
])('the events that survive a torn end: $vgroups VGroups, level $level', (about) => {
  let mill: KnownMill;
  beforeAll(async () => {
    mill = await knownMill(about);
  });

  it('are those of the commits that were kept, in order, and new ones follow them', async () => {
    const kept = new Set<number>();
    for (const file of mill.files) {
      for (const { offset, commit } of file.frames) {
        // Nothing says that the last two commits were durable at level flush, the last one at level sync.
        if (commit < (about.level === 'sync' ? 7 : 6)) continue;
        const disk = mill.storage.kill();
        disk.replace(file.path, file.bytes.subarray(0, offset + 100));
        const first = await session(disk, about, 100);
        expect(first.recovery).toMatchObject({ clean: false, events: valuesUpTo(commit - 1).length + 1 });
        expect(first.found).toEqual([...valuesUpTo(commit - 1), 100]);
        // No lsn that anyone may have seen is given again, and the order of lsns is that of events.
        expect(first.lsn).toBeGreaterThan(12);
        expect(first.lsns).toEqual(first.lsns.toSorted((a, b) => a - b));
        const second = await session(disk.kill(), about, 101);
        expect(second.recovery.clean).toBe(true);
        expect(second.found).toEqual([...valuesUpTo(commit - 1), 100, 101]);
        expect(second.lsn).toBe(first.lsn + 1);
        kept.add(commit - 1);
      }
    }
    expect(kept).toEqual(new Set(about.level === 'sync' ? [6] : [5, 6]));
  });

  it('are all of them where nothing is torn', async () => {
    const { found, recovery } = await session(mill.storage.kill(), about, 100);
    expect(found).toEqual([...valuesUpTo(7), 100]);
    expect(recovery).toMatchObject({ clean: false, commits: 7, events: 12, cut: { commits: 0, bytes: 0, files: [] } });
  });
});
