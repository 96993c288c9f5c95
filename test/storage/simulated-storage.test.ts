import { asyncScheduler, concat, type Observable } from 'rxjs';
import { seededRandom } from '../../src/storage/random.js';
import { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { storageContract } from './storage-contract.js';
import { bytes, now, run, text } from './support.js';

/** The code an operation fails with, or 'completed'. */
function outcome(operation: Observable<unknown>): string {
  try {
    now(operation);
    return 'completed';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

const create = (storage: SimulatedStorage, path = '/file') => now(storage.open(path, { create: true }));

describe('SimulatedStorage that completes at once', () => {
  storageContract(async () => {
    const storage = new SimulatedStorage();
    now(storage.makeDirectory('/data'));
    return { storage, directory: '/data' };
  });
});

describe('SimulatedStorage on a scheduler', () => {
  storageContract(async () => {
    const storage = new SimulatedStorage({ scheduler: asyncScheduler });
    await run(storage.makeDirectory('data'));
    return { storage, directory: 'data' };
  });

  it('completes an operation after its latency, and only then it takes effect', () => {
    const clock = new VirtualClock();
    const asked: unknown[] = [];
    const latency = (operation: string, count: number, random: () => number) => {
      asked.push([operation, count, random() < 1]);
      return operation === 'write' ? 10 : 0;
    };
    const storage = new SimulatedStorage({ scheduler: clock, latency });
    const steps: string[] = [];
    storage.open('/file', { create: true }).subscribe((file) => {
      concat(file.write([bytes('abc'), bytes('d')], 0), file.sync()).subscribe({
        complete: () => steps.push(`synced at ${clock.now()}`),
      });
    });
    expect(storage.paths()).toEqual([]);
    clock.advanceTo(9);
    expect(text(storage.contents('/file'))).toBe('');
    clock.advanceTo(20);
    expect(text(storage.contents('/file'))).toBe('abcd');
    expect(steps).toEqual(['synced at 10']);
    expect(asked).toEqual([
      ['open', 0, true],
      ['write', 4, true],
      ['sync', 0, true],
    ]);
  });

  it('takes back what a subscriber who left would have been given', () => {
    const clock = new VirtualClock();
    const storage = new SimulatedStorage({ scheduler: clock, latency: 1 });
    storage.open('/file', { create: true }).subscribe().unsubscribe();
    storage.lock('/lock').subscribe().unsubscribe();
    clock.advanceBy(1);
    expect(storage.paths()).toEqual(['/file', '/lock']);
    expect(storage.openFiles).toBe(0);
    let lock: unknown;
    storage.lock('/lock').subscribe((taken) => (lock = taken));
    clock.advanceBy(1);
    expect(lock).not.toBeNull();
  });
});

describe('SimulatedStorage', () => {
  it('counts operations and remembers the last ones', () => {
    const storage = new SimulatedStorage();
    const file = create(storage, './plant.wal');
    now(file.write([bytes('a')], 0));
    now(file.sync());
    now(storage.rename('plant.wal', 'old.wal'));
    expect(storage.operations).toBe(4);
    expect(storage.history).toEqual([
      '1 open plant.wal',
      '2 write plant.wal',
      '3 sync plant.wal',
      '4 rename plant.wal old.wal',
    ]);
    for (let round = 0; round < 100; round++) now(file.size());
    expect(storage.history).toHaveLength(32);
    expect(storage.openFiles).toBe(1);
    now(file.close());
    expect(storage.openFiles).toBe(0);
  });

  it('tells absolute paths from relative ones, and takes any spelling of each', () => {
    const storage = new SimulatedStorage();
    create(storage, '/a');
    create(storage, './b');
    now(storage.makeDirectory('plant/logs/'));
    create(storage, 'plant/./logs//c');
    create(storage, 'plant/logs/../d');
    expect(storage.paths()).toEqual(['/a', 'b', 'plant/d', 'plant/logs/c']);
    expect(now(storage.list('.'))).toEqual(['b', 'plant']);
    expect(now(storage.list('/'))).toEqual(['a']);
  });

  it('refuses names that a file system would refuse', () => {
    const storage = new SimulatedStorage();
    create(storage, '/file');
    now(storage.makeDirectory('/full/x'));
    expect(outcome(storage.open('/full'))).toBe('EISDIR');
    expect(outcome(storage.open('/', { create: true }))).toBe('EISDIR');
    expect(outcome(storage.open('/file/x', { create: true }))).toBe('ENOTDIR');
    expect(outcome(storage.list('/file'))).toBe('ENOTDIR');
    expect(outcome(storage.remove('/full'))).toBe('EISDIR');
    expect(outcome(storage.rename('/file', '/full'))).toBe('EISDIR');
    expect(outcome(storage.rename('/full', '/file'))).toBe('ENOTDIR');
    now(storage.makeDirectory('/other'));
    expect(outcome(storage.rename('/other', '/full'))).toBe('ENOTEMPTY');
    expect(outcome(storage.rename('/full', '/other'))).toBe('completed');
    expect(outcome(storage.rename('/file', '/file'))).toBe('completed');
    expect(now(storage.list('/'))).toEqual(['file', 'other']);
  });

  describe('an ordered fault', () => {
    it('hits the nth matching operation once', () => {
      const storage = new SimulatedStorage();
      const [a, b] = [create(storage, '/a'), create(storage, '/b')];
      storage.failAt({ operation: 'sync', path: '/b', nth: 2, code: 'EIO' });
      const outcomes = [b.sync(), a.sync(), b.write([], 0), b.sync(), b.sync()].map(outcome);
      expect(outcomes).toEqual(['completed', 'completed', 'completed', 'EIO', 'completed']);
    });

    it('may match by pattern, any operation, several times or for ever, until it is lifted', () => {
      const storage = new SimulatedStorage();
      const file = create(storage, '/log/../current.wal');
      storage.failAt({ operation: 'write', path: /\.wal$/g, nth: 1, times: 2, code: 'EFBIG' });
      const write = file.write([bytes('a')], 0);
      expect([write, write, write].map(outcome)).toEqual(['EFBIG', 'EFBIG', 'completed']);
      const lift = storage.failAt({ nth: 1, times: Infinity, code: 'EIO' });
      expect([file.size(), storage.list('/'), write].map(outcome)).toEqual(['EIO', 'EIO', 'EIO']);
      lift();
      expect(outcome(write)).toBe('completed');
    });

    it('on a rename matches either name, and changes nothing', () => {
      const storage = new SimulatedStorage();
      create(storage, '/a');
      storage.failAt({ operation: 'rename', path: '/b', nth: 1, code: 'EIO' });
      expect(outcome(storage.rename('/a', '/b'))).toBe('EIO');
      expect(storage.paths()).toEqual(['/a']);
    });

    it('on a write leaves any number of its sectors, counted from the first', () => {
      const lengths = new Set<number>();
      for (let seed = 0; seed < 100; seed++) {
        const storage = new SimulatedStorage({ seed });
        const file = create(storage);
        storage.failAt({ operation: 'write', nth: 1, code: 'ENOSPC' });
        expect(outcome(file.write([bytes('a'.repeat(1000)), bytes('b'.repeat(200))], 100))).toBe('ENOSPC');
        lengths.add(storage.contents('/file').length);
      }
      expect([...lengths].sort((a, b) => a - b)).toEqual([0, 512, 1024, 1300]);
    });

    it('on a close closes all the same', () => {
      const storage = new SimulatedStorage();
      const file = create(storage);
      storage.failAt({ operation: 'close', nth: 1, code: 'EIO' });
      expect(outcome(file.close())).toBe('EIO');
      expect(outcome(file.close())).toBe('EBADF');
      expect(storage.openFiles).toBe(0);
    });
  });

  describe('a full disk', () => {
    it('takes what there is room for and reports ENOSPC', () => {
      const storage = new SimulatedStorage({ capacity: 10 });
      const [a, b] = [create(storage, '/a'), create(storage, '/b')];
      now(a.write([bytes('123456')], 0));
      expect(outcome(b.write([bytes('abc'), bytes('def')], 0))).toBe('ENOSPC');
      expect(text(storage.contents('/b'))).toBe('abcd');
      expect(outcome(a.write([bytes('7')], 6))).toBe('ENOSPC');
      expect(outcome(a.write([bytes('overwritten')], 0))).toBe('ENOSPC');
      expect(text(storage.contents('/a'))).toBe('overwr');
    });

    it('still lets files be overwritten, cut and removed, and heals', () => {
      const storage = new SimulatedStorage({ capacity: 6 });
      const [a, b] = [create(storage, '/a'), create(storage, '/b')];
      now(a.write([bytes('123456')], 0));
      expect(outcome(a.write([bytes('xyz')], 3))).toBe('completed');
      now(a.truncate(4));
      expect(outcome(b.write([bytes('ab')], 0))).toBe('completed');
      expect(outcome(b.write([bytes('c')], 2))).toBe('ENOSPC');
      now(storage.remove('/a'));
      expect(outcome(b.write([bytes('cdef')], 2))).toBe('completed');
      storage.setCapacity(7);
      expect(outcome(b.write([bytes('gh')], 6))).toBe('ENOSPC');
      storage.setCapacity(Infinity);
      expect(outcome(b.write([bytes('gh')], 6))).toBe('completed');
    });

    it('is as full after a crash', () => {
      const storage = new SimulatedStorage({ capacity: 4 });
      const file = create(storage.kill());
      expect(outcome(file.write([bytes('12345')], 0))).toBe('ENOSPC');
    });
  });

  it('is looked into and prepared by tests', () => {
    const storage = new SimulatedStorage();
    storage.replace('/plant/log', bytes('abc'));
    expect(storage.paths()).toEqual(['/plant/log']);
    storage.contents('/plant/log').fill(0);
    storage.flip('/plant/log', 1, 0x20);
    expect(text(storage.contents('/plant/log'))).toBe('aBc');
    expect(() => storage.flip('/plant/log', 3)).toThrow(RangeError);
    expect(() => storage.contents('/plant/none')).toThrow('ENOENT');
    const crashed = storage.crash();
    expect(text(crashed.contents('/plant/log'))).toBe('aBc');
    crashed.replace('/plant/log', bytes('x'));
    expect(text(crashed.crash().contents('/plant/log'))).toBe('x');
  });
});

describe('seededRandom', () => {
  it('gives the same numbers for the same seed, others for another, all in [0, 1)', () => {
    const take = (seed: number) => Array.from({ length: 1000 }, seededRandom(seed));
    expect(take(7)).toEqual(take(7));
    const firsts = new Set(Array.from({ length: 1000 }, (_, seed) => take(seed + 2 ** 40)[0]));
    expect(firsts.size).toBe(1000);
    const numbers = take(1);
    expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...numbers)).toBeLessThan(1);
    expect(numbers.reduce((sum, one) => sum + one) / 1000).toBeCloseTo(0.5, 1);
  });
});
