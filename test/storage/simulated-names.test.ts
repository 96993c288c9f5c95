import { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import { create, outcomes, prepare, SEEDS, write } from './crash-support.js';
import { bytes, now } from './support.js';

describe('a power cut and names', () => {
  it('may lose a file whose directory was not synced, though its contents were', () => {
    const made = (synced: boolean) =>
      outcomes((seed) => {
        const storage = new SimulatedStorage({ seed });
        const file = create(storage);
        write(file, 'contents');
        now(file.sync());
        if (synced) now(storage.syncDirectory('/'));
        return storage;
      });
    expect(made(false)).toEqual(new Set(['missing', 'contents']));
    expect(made(true)).toEqual(new Set(['contents']));
  });

  it('may lose a directory with all that is in it until the one above is synced', () => {
    const made = (above: boolean) =>
      outcomes((seed) => {
        const storage = new SimulatedStorage({ seed });
        now(storage.makeDirectory('/plant'));
        create(storage, '/plant/file');
        now(storage.syncDirectory('/plant'));
        if (above) now(storage.syncDirectory('/'));
        return storage;
      }, '/plant/file');
    expect(made(false)).toEqual(new Set(['missing', '']));
    expect(made(true)).toEqual(new Set(['']));
  });

  it('may bring back a file that was removed, with its own contents', () => {
    const seen = outcomes((seed) => {
      const { storage } = prepare('back', seed);
      now(storage.remove('/file'));
      return storage;
    });
    expect(seen).toEqual(new Set(['missing', 'back']));
  });

  it('leaves of a rename the old file or the new one, never neither', () => {
    const seen = outcomes((seed) => {
      const { storage } = prepare('old', seed);
      storage.replace('/next', bytes('new'));
      now(storage.rename('/next', '/file'));
      return storage;
    });
    expect(seen).toEqual(new Set(['old', 'new']));
  });

  it('keeps the changes of a directory up to some point', () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < SEEDS; seed++) {
      const storage = new SimulatedStorage({ seed });
      for (const path of ['/a', '/b', '/c']) create(storage, path);
      now(storage.remove('/b'));
      seen.add(storage.crash().paths().join(' '));
    }
    expect([...seen].sort()).toEqual(['', '/a', '/a /b', '/a /b /c', '/a /c']);
  });

  it('moves between directories as a whole, once either of them is synced for good', () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < SEEDS; seed++) {
      const storage = new SimulatedStorage({ seed });
      storage.replace('/from/file', bytes(''));
      storage.replace('/to/other', bytes(''));
      create(storage, '/from/earlier');
      now(storage.rename('/from/file', '/to/file'));
      create(storage, '/from/later');
      create(storage, '/to/later');
      if (seed % 2) now(storage.syncDirectory(seed % 4 === 1 ? '/to' : '/from'));
      const paths = storage.crash().paths().join(' ');
      if (seed % 2) expect(paths).toContain('/from/earlier');
      if (paths.includes('later')) expect(paths).toContain('/to/file');
      seen.add(
        `${seed % 2 ? 'synced' : ''} ${paths.includes('/from/file') ? 'from' : ''}${paths.includes('/to/file') ? 'to' : ''}`,
      );
    }
    expect([...seen].sort()).toEqual([' from', ' to', 'synced to']);
  });
});
