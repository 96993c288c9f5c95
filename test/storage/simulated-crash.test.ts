import { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import type { StorageFile } from '../../src/storage/storage.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { create, outcomes, prepare, SEEDS, write } from './crash-support.js';
import { bytes, now, text } from './support.js';

describe('a power cut', () => {
  it('never touches what was synced', () => {
    const seen = outcomes((seed) => {
      const { storage, file } = prepare('', seed);
      write(file, 'synced');
      now(file.sync());
      write(file, 'more', 600);
      return storage;
    });
    for (const contents of seen) expect(contents.slice(0, 6)).toBe('synced');
    expect(seen.size).toBeGreaterThan(3);
  });

  it('may keep, drop, tear or garble what was not synced, but only there', () => {
    const [old, fresh] = ['o'.repeat(512 * 4), 'n'.repeat(512 * 3)];
    const seen = outcomes((seed) => {
      const { storage, file } = prepare(old, seed);
      write(file, fresh, 256);
      return storage;
    });
    const kinds = new Set<string>();
    for (const contents of seen) {
      expect(contents).toHaveLength(old.length);
      expect(contents.slice(0, 256) + contents.slice(256 + fresh.length)).toBe('o'.repeat(512));
      const changed = contents.slice(256, 256 + fresh.length);
      if (!/^[no]*$/.test(changed)) kinds.add(/\0{256}/.test(changed) ? 'zeroed' : 'noise');
      else if (!changed.includes('o')) kinds.add('kept');
      else if (!changed.includes('n')) kinds.add('dropped');
      else kinds.add(/^n*o*$/.test(changed) ? 'prefix' : 'torn');
    }
    expect([...kinds].sort()).toEqual(['dropped', 'kept', 'noise', 'prefix', 'torn', 'zeroed']);
  });

  it('tears at the edges of sectors', () => {
    const torn = [
      ...outcomes((seed) => {
        const { storage, file } = prepare('o'.repeat(2048), seed);
        write(file, 'n'.repeat(2048));
        return storage;
      }),
    ].filter((contents) => /^[no]*$/.test(contents));
    expect(torn.length).toBeGreaterThan(8);
    for (const contents of torn) {
      for (let sector = 0; sector < 4; sector++) {
        expect(contents.slice(sector * 512, sector * 512 + 512)).toMatch(/^(n*|o*)$/);
      }
    }
  });

  it('cannot hurt durable bytes that are written again as they are', () => {
    const seen = outcomes((seed) => {
      const { storage, file } = prepare('frame one|frame two|', seed);
      write(file, 'frame one|frame two|frame three|');
      return storage;
    });
    for (const contents of seen) expect(contents.slice(0, 20)).toBe('frame one|frame two|');
    expect(seen.size).toBeGreaterThan(3);
  });

  it('may keep the new length and not the data, which then reads as zeros', () => {
    const seen = outcomes((seed) => {
      const { storage, file } = prepare('', seed);
      write(file, 'data');
      return storage;
    });
    for (const contents of ['', 'data', '\0\0\0\0']) expect(seen).toContain(contents);
  });

  it('may leave the zeros that a file was prepared with', () => {
    const seen = outcomes((seed) => {
      const { storage, file } = prepare('\0'.repeat(1000), seed);
      write(file, 'data', 100);
      return storage;
    });
    expect(seen).toContain('\0'.repeat(1000));
    expect(seen).toContain(`${'\0'.repeat(100)}data${'\0'.repeat(896)}`);
  });

  it('may undo a truncation that was not synced, and not one that was', () => {
    const cut = (synced: boolean) =>
      outcomes((seed) => {
        const { storage, file } = prepare('0123456789', seed);
        now(file.truncate(3));
        if (synced) now(file.sync());
        return storage;
      });
    expect(cut(false)).toEqual(new Set(['0123456789', '012']));
    expect(cut(true)).toEqual(new Set(['012']));
  });

  it('finds a sync covering only what was written before it began', () => {
    const seen = outcomes((seed) => {
      const clock = new VirtualClock();
      const storage = new SimulatedStorage({ seed, scheduler: clock, latency: (name) => (name === 'sync' ? 10 : 1) });
      storage.replace('/file', bytes('......'));
      storage.open('/file').subscribe((file) => {
        file.write([bytes('abc')], 0).subscribe({ complete: () => file.sync().subscribe() });
        clock.schedule(() => file.write([bytes('xyz')], 3).subscribe(), 5);
      });
      clock.advanceTo(20);
      return storage;
    });
    expect(seen).toContain('abcxyz');
    expect(seen).toContain('abc...');
    for (const contents of seen) expect(contents.slice(0, 3)).toBe('abc');
  });

  it('may find a write in flight done, not done, or in part', () => {
    const seen = outcomes((seed) => {
      const clock = new VirtualClock();
      const storage = new SimulatedStorage({ seed, scheduler: clock, latency: 1 });
      storage.replace('/file', bytes('o'.repeat(1024)));
      storage.open('/file').subscribe((file) => file.write([bytes('n'.repeat(1024))], 0).subscribe());
      clock.advanceTo(1);
      return storage;
    });
    for (const contents of ['o'.repeat(1024), 'n'.repeat(1024), 'n'.repeat(512) + 'o'.repeat(512)]) {
      expect(seen).toContain(contents);
    }
  });

  it('flips what was flipped, whatever it keeps', () => {
    const seen = outcomes((seed) => {
      const { storage, file } = prepare('old', seed);
      write(file, 'OLD');
      storage.flip('/file', 2, 1);
      return storage;
    });
    expect(seen).toContain('ole');
    expect(seen).toContain('OLE');
  });

  it('gives another outcome of the same moment each time it is asked', () => {
    const { storage, file } = prepare('old');
    write(file, 'new');
    const seen = new Set(Array.from({ length: 50 }, () => text(storage.crash().contents('/file'))));
    expect(seen).toContain('old');
    expect(seen).toContain('new');
    expect(text(storage.contents('/file'))).toBe('new');
  });
});

describe('a kill', () => {
  it('keeps what was written, which a later power cut may lose', () => {
    const killed = (seed: number) => {
      const { storage, file } = prepare('old', seed);
      write(file, 'new');
      create(storage, '/other');
      return storage.kill();
    };
    for (let seed = 0; seed < 20; seed++) {
      expect(text(killed(seed).contents('/file'))).toBe('new');
      expect(killed(seed).paths()).toEqual(['/file', '/other']);
    }
    expect(outcomes(killed)).toContain('old');
    expect(outcomes(killed, '/other')).toEqual(new Set(['missing', '']));
  });

  it('loses nothing to a power cut after a sync by the next process', () => {
    const seen = outcomes((seed) => {
      const { storage, file } = prepare('old', seed);
      write(file, 'new');
      const next = storage.kill();
      now(now(next.open('/file')).sync());
      return next;
    });
    expect(seen).toEqual(new Set(['new']));
  });

  it('leaves a write in flight done, not done, or done up to a sector', () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < SEEDS; seed++) {
      const { storage, file } = prepare('o'.repeat(1024), seed);
      storage.crashAt(storage.operations + 1);
      file.write([bytes('n'.repeat(1024))], 0).subscribe();
      seen.add(text(storage.kill().contents('/file')));
    }
    expect(seen).toEqual(new Set(['o'.repeat(1024), 'n'.repeat(1024), 'n'.repeat(512) + 'o'.repeat(512)]));
  });
});

describe('a dead storage', () => {
  it.each(['crash', 'kill'] as const)('after a %s never completes anything, and its locks are gone', (end) => {
    const clock = new VirtualClock();
    const storage = new SimulatedStorage({ scheduler: clock, latency: 1 });
    const heard: string[] = [];
    const listen = (name: string) => ({
      next: () => heard.push(name),
      error: () => heard.push(name),
      complete: () => heard.push(name),
    });
    storage.lock('/lock').subscribe();
    let file: StorageFile | undefined;
    storage.open('/file', { create: true }).subscribe((opened) => (file = opened));
    clock.advanceBy(1);
    file!.write([bytes('a')], 0).subscribe(listen('in flight'));
    const next = storage[end]({ scheduler: undefined });
    storage.list('/none').subscribe(listen('list'));
    file!.sync().subscribe(listen('sync'));
    clock.advanceBy(100);
    expect(heard).toEqual([]);
    expect(storage.dead).toBe(true);
    expect(now(next.lock('/lock'))).not.toBeNull();
  });
});

describe('crashAt', () => {
  it('dies at that operation, once, and tells so at once', () => {
    const { storage, file } = prepare('');
    const calls: number[] = [];
    storage.crashAt(3, () => calls.push(storage.operations));
    write(file, 'a');
    expect(storage.dead).toBe(false);
    file.sync().subscribe({ complete: () => calls.push(-1) });
    file.sync().subscribe({ complete: () => calls.push(-1) });
    expect(storage.dead).toBe(true);
    expect(calls).toEqual([3]);
  });
});

describe('fork', () => {
  /** Two writes, and the disk of a crash at the second one. */
  function forkAtSecondWrite(seed: number, how: 'crash' | 'kill') {
    const { storage, file } = prepare('', 1);
    const forks: SimulatedStorage[] = [];
    storage.onOperation((operation) => {
      if (operation === 3) forks.push(storage.fork(how, seed));
    });
    write(file, 'one');
    write(file, 'two', 3);
    return { storage, contents: text(forks[0]!.contents('/file')) };
  }

  it('gives what a crash at an operation would leave, and the storage goes on', () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < SEEDS; seed++) {
      const { storage, contents } = forkAtSecondWrite(seed, 'kill');
      expect(storage.dead).toBe(false);
      expect(text(storage.contents('/file'))).toBe('onetwo');
      seen.add(contents);
    }
    // Killed, only the operation that has begun is in doubt.
    expect([...seen].sort()).toEqual(['one', 'onetwo']);
  });

  it('depends on its seed alone', () => {
    const contents = (seed: number) => forkAtSecondWrite(seed, 'crash').contents;
    const seeds = Array.from({ length: 50 }, (_, seed) => seed);
    expect(seeds.map(contents)).toEqual(seeds.map(contents));
    expect(new Set(seeds.map(contents)).size).toBeGreaterThan(2);
  });

  it('is not asked for any more once that has ended', () => {
    const storage = new SimulatedStorage();
    const calls: number[] = [];
    const end = storage.onOperation((operation) => calls.push(operation));
    create(storage);
    end();
    create(storage);
    expect(calls).toEqual([1]);
  });
});
