import { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import { changed } from '../support/log-damage.js';
import { bytesOf, hashing, LogMill, openNow, READINGS, randomOf, writeSmallMill } from '../support/log-mill.js';

const A = '/mill/manifest-a.json';
const B = '/mill/manifest-b.json';

beforeAll(async () => {
  await hashing();
});

/** The id of the mill in a directory, which is made where there is none; each seed would draw another one. */
function idOf(storage: SimulatedStorage, seed: number, directory = '/mill'): string {
  const { recovered, error } = openNow(storage, { random: randomOf(seed), vgroups: 3 }, directory);
  if (recovered === null) throw error;
  return recovered.manifest.current.databaseId;
}

describe('the creation of a mill', () => {
  it.each(['/mill', '/data/plants/one/mill', 'plant', './data/plant'])(
    'is durable before start goes on: %s',
    (directory) => {
      for (let seed = 0; seed < 30; seed++) {
        const storage = new SimulatedStorage({ seed });
        const id = idOf(storage, 1, directory);
        expect(idOf(storage.crash(), 2, directory)).toBe(id);
      }
    },
  );

  it('after a crash at any of its operations is either done or begun anew, and opens', () => {
    const whole = new SimulatedStorage();
    const first = idOf(whole, 1);
    const second = idOf(new SimulatedStorage(), 2);
    const seen = new Set<string>();
    for (let operation = 1; operation <= whole.operations; operation++) {
      for (let seed = 0; seed < 4; seed++) {
        const storage = new SimulatedStorage({ seed });
        storage.crashAt(operation);
        expect(() => idOf(storage, 1)).toThrow('opening did not end');
        const after = seed === 0 ? storage.kill() : storage.crash();
        const id = idOf(after, 2);
        seen.add(id);
        expect(idOf(after.crash(), 3)).toBe(id);
      }
    }
    expect(seen).toEqual(new Set([first, second]));
  });

  it('after a failure of any of its operations leaves nothing open, and the next start does it', () => {
    for (let nth = 1; ; nth++) {
      const storage = new SimulatedStorage();
      const lift = storage.failAt({ nth, code: 'EIO' });
      const { error } = openNow(storage);
      if (error === null) break;
      lift();
      expect(error).toMatchObject({ code: 'EIO' });
      expect(storage.openFiles).toBe(0);
      expect(openNow(storage).error).toBeNull();
    }
  });

  it('is refused in a directory of something else, which stays as it is', () => {
    const storage = new SimulatedStorage();
    storage.replace('/mill/notes.txt', Buffer.from('mine'));
    const before = bytesOf(storage);
    expect(openNow(storage).error).toMatchObject({ code: 'NOT_A_MILL', path: '/mill' });
    expect(bytesOf(storage)).toEqual(before);
  });
});

describe('a mill whose manifest is hurt', () => {
  let storage: SimulatedStorage;
  let whole: Map<string, Buffer>;
  beforeAll(async () => {
    storage = await writeSmallMill({ vgroups: 1, level: 'sync', end: 'clean' });
    whole = bytesOf(storage);
  });

  const without = (...paths: string[]) => {
    const disk = storage.kill();
    for (const path of paths) disk.remove(path).subscribe();
    return disk;
  };

  it.each([
    ['missing', A, () => without(A)],
    ['missing', B, () => without(B)],
    ['damaged', A, () => spoiled(storage, A)],
    ['damaged', B, () => spoiled(storage, B)],
  ])('one copy %s: opens, and has both again (%s)', (_, __, make) => {
    const disk = make();
    expect(openNow(disk).recovered?.log).toMatchObject({ clean: true, events: 12 });
    expect(changed(whole, bytesOf(disk.crash()))).toEqual([]);
  });

  it.each<[string, () => SimulatedStorage]>([
    ['both copies missing, but data in the logs', () => without(A, B)],
    ['both copies damaged', () => spoiled(spoiled(storage, A), B)],
    ['one copy missing, the other damaged', () => spoiled(without(A), B)],
  ])('%s: refused, nothing touched, no new mill made', (_, make) => {
    const disk = make();
    const before = bytesOf(disk);
    expect(openNow(disk).error).toMatchObject({ code: 'CORRUPT_MANIFEST' });
    expect(changed(before, bytesOf(disk))).toEqual([]);
  });

  it('both copies of another mill: refused', async () => {
    const other = await writeSmallMill({ vgroups: 1, level: 'sync', end: 'clean', seed: 5 });
    const disk = storage.kill();
    for (const path of [A, B]) disk.replace(path, other.contents(path));
    const before = bytesOf(disk);
    expect(openNow(disk).error).toMatchObject({ code: 'CORRUPT_LOG' });
    expect(changed(before, bytesOf(disk))).toEqual([]);
  });

  it('one copy damaged and a log damaged too: refused, nothing touched', () => {
    const disk = spoiled(storage, A);
    disk.flip('/mill/vgroup-00/current.wal', 100);
    const before = bytesOf(disk);
    expect(openNow(disk).error).toMatchObject({ code: 'CORRUPT_LOG' });
    expect(changed(before, bytesOf(disk))).toEqual([]);
  });

  it('opens with the number of VGroups that it was made with, and refuses another', async () => {
    expect(openNow(storage.kill(), { vgroups: 2 }).error).toMatchObject({ code: 'INVALID_OPTION' });
    const log = new LogMill(storage.kill());
    const readings = log.mill.stream('readings', { schema: READINGS });
    await log.until(log.mill.start());
    expect(await log.until(firstOf(readings.from('earliest')))).toMatchObject({ device: 'a', note: 'grün' });
    await log.until(log.mill.close());
  });
});

function spoiled(storage: SimulatedStorage, path: string): SimulatedStorage {
  const disk = storage.kill();
  disk.flip(path, 40);
  return disk;
}

async function firstOf<T>(rows: AsyncIterable<T>): Promise<T | undefined> {
  for await (const row of rows) return row;
  return undefined;
}
