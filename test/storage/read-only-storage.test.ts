import { switchMap } from 'rxjs';
import { ReadOnlyStorage } from '../../src/storage/read-only-storage.js';
import { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import { StorageError } from '../../src/storage/storage.js';
import { bytes, now, text } from './support.js';

it('reads, and refuses everything that would change something', () => {
  const disk = new SimulatedStorage();
  now(disk.makeDirectory('mill'));
  now(disk.open('mill/file', { create: true }).pipe(switchMap((file) => file.write([bytes('content')], 0))));
  const storage = new ReadOnlyStorage(disk);
  expect(now(storage.list('mill'))).toEqual(['file']);
  const file = now(storage.open('mill/file'));
  expect(text(now(file.read(0, 7)))).toBe('content');
  const attempts = [
    () => storage.open('mill/other', { create: true }),
    () => storage.makeDirectory('mill/folder'),
    () => storage.rename('mill/file', 'mill/other'),
    () => storage.remove('mill/file'),
    () => storage.syncDirectory('mill'),
    () => storage.lock('mill/LOCK'),
    () => file.write([bytes('x')], 0),
    () => file.truncate(0),
  ];
  for (const attempt of attempts) expect(() => now<unknown>(attempt())).toThrow(StorageError);
  expect(now(disk.list('mill'))).toEqual(['file']);
  expect(text(now(now(disk.open('mill/file')).read(0, 100)))).toBe('content');
});
