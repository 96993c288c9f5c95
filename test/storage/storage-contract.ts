import fc from 'fast-check';
import { type Storage, StorageError, type StorageFile } from '../../src/storage/storage.js';
import { bytes, codeOf, readAll, run, text } from './support.js';

/** What every storage promises, whatever it is made of. `make` gives one with an empty directory in it. */
export function storageContract(make: () => Promise<{ storage: Storage; directory: string }>): void {
  let storage: Storage;
  let path: string;
  let directory: string;

  beforeEach(async () => {
    ({ storage, directory } = await make());
    path = `${directory}/file`;
  });

  const create = () => run(storage.open(path, { create: true }));
  async function createWith(contents: string): Promise<StorageFile> {
    const file = await create();
    await run(file.write([bytes(contents)], 0));
    return file;
  }

  describe('a file', () => {
    it('is made empty where `create` is set', async () => {
      const file = await create();
      expect(await run(file.size())).toBe(0);
      expect(file.path).toBe(path);
    });

    it('that is missing is ENOENT without `create`', async () => {
      expect(await codeOf(storage.open(path))).toBe('ENOENT');
      expect(await codeOf(storage.open(`${directory}/none/file`, { create: true }))).toBe('ENOENT');
    });

    it('that is there keeps its contents when opened with `create`', async () => {
      await run((await createWith('kept')).close());
      expect(await readAll(await create())).toBe('kept');
    });

    it('takes many chunks one after the other from a position', async () => {
      const file = await createWith('0123456789');
      await run(file.write([bytes('ab'), bytes(''), bytes('cde'), bytes('f')], 3));
      expect(await readAll(file)).toBe('012abcdef9');
    });

    it('grows by what is written past its end, with zeros between', async () => {
      const file = await createWith('ab');
      await run(file.write([bytes('cd')], 4));
      expect(await readAll(file)).toBe('ab\0\0cd');
    });

    it('gives fewer bytes than asked only where it ends', async () => {
      const file = await createWith('0123456789');
      expect(text(await run(file.read(2, 3)))).toBe('234');
      expect(text(await run(file.read(8, 5)))).toBe('89');
      expect(text(await run(file.read(20, 5)))).toBe('');
      expect(text(await run(file.read(0, 0)))).toBe('');
    });

    it('gives bytes that belong to the caller', async () => {
      const file = await createWith('mine');
      const found = await run(file.read(0, 4));
      expect(found.byteOffset % 8).toBe(0);
      found.fill(0);
      expect(await readAll(file)).toBe('mine');
    });

    it('is cut or lengthened by truncate', async () => {
      const file = await createWith('0123456789');
      await run(file.truncate(4));
      expect(await readAll(file)).toBe('0123');
      await run(file.truncate(6));
      expect(await readAll(file)).toBe('0123\0\0');
    });

    it('completes a write, sync, truncate and close without a value', async () => {
      const file = await create();
      expect(await run(file.write([bytes('a')], 0))).toBeUndefined();
      expect(await run(file.write([], 0))).toBeUndefined();
      expect(await run(file.sync())).toBeUndefined();
      expect(await run(file.truncate(0))).toBeUndefined();
      expect(await run(file.close())).toBeUndefined();
    });

    it('that is opened to read is never touched', async () => {
      await run((await createWith('safe')).close());
      const file = await run(storage.open(path, { readOnly: true }));
      await expect(run(file.write([bytes('x')], 0))).rejects.toThrow(StorageError);
      await expect(run(file.truncate(0))).rejects.toThrow(StorageError);
      expect(await readAll(file)).toBe('safe');
      expect(await codeOf(storage.open(`${directory}/other`, { create: true, readOnly: true }))).toBe('ENOENT');
    });

    it('refuses everything once it is closed', async () => {
      const file = await create();
      await run(file.close());
      const operations = [file.size(), file.read(0, 1), file.write([bytes('a')], 0), file.sync(), file.truncate(0)];
      for (const operation of [...operations, file.close()]) expect(await codeOf(operation)).toBe('EBADF');
    });

    it.each([-1, 0.5, Number.NaN, Infinity])('refuses a position or length of %p', async (offset) => {
      const file = await createWith('untouched');
      const operations = [
        file.write([bytes('x')], offset),
        file.read(offset, 1),
        file.read(0, offset),
        file.truncate(offset),
      ];
      for (const operation of operations) expect(await codeOf(operation)).toBe('EINVAL');
      expect(await readAll(file)).toBe('untouched');
    });

    it('does nothing until someone subscribes, and then each time', async () => {
      const file = await createWith('a');
      const cut = file.truncate(0);
      expect(await readAll(file)).toBe('a');
      await run(cut);
      await run(file.write([bytes('b')], 0));
      await run(cut);
      expect(await readAll(file)).toBe('');
    });

    it('holds what a plain array would hold after any writes and truncations', async () => {
      const step = fc.record({
        truncate: fc.boolean(),
        position: fc.nat(2000),
        chunks: fc.array(fc.uint8Array({ maxLength: 700 }), { maxLength: 3 }),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
          const file = await create();
          await run(file.truncate(0));
          let expected = Buffer.alloc(0);
          for (const { truncate, position, chunks } of steps) {
            const written = truncate ? Buffer.alloc(0) : Buffer.concat(chunks);
            await run(truncate ? file.truncate(position) : file.write(chunks, position));
            const keeps = truncate ? position : Math.max(expected.length, written.length && position + written.length);
            expected = Buffer.concat([expected, Buffer.alloc(4000)]).subarray(0, keeps);
            written.copy(expected, position);
          }
          expect(await readAll(file)).toBe(text(expected));
          await run(file.close());
        }),
        { numRuns: 40 },
      );
    });
  });

  describe('a directory', () => {
    it('lists its names in order', async () => {
      for (const name of ['b', 'a10', 'a2']) await run(storage.open(`${directory}/${name}`, { create: true }));
      await run(storage.makeDirectory(`${directory}/c`));
      expect(await run(storage.list(directory))).toEqual(['a10', 'a2', 'b', 'c']);
    });

    it('that is missing is ENOENT', async () => {
      expect(await codeOf(storage.list(`${directory}/none`))).toBe('ENOENT');
      expect(await codeOf(storage.syncDirectory(`${directory}/none`))).toBe('ENOENT');
    });

    it('is made with its parents, and may be there already', async () => {
      await run(storage.makeDirectory(`${directory}/x/y/z`));
      expect(await run(storage.makeDirectory(`${directory}/x/y`))).toBeUndefined();
      expect(await run(storage.list(`${directory}/x/y`))).toEqual(['z']);
    });

    it('is not made where a file has its name', async () => {
      await create();
      expect(await codeOf(storage.makeDirectory(path))).toBe('EEXIST');
    });

    it('syncs its names', async () => {
      await create();
      expect(await run(storage.syncDirectory(directory))).toBeUndefined();
    });
  });

  describe('a name', () => {
    it('moves with its contents, replacing what had the new one', async () => {
      await run((await createWith('new')).close());
      const old = await run(storage.open(`${directory}/target`, { create: true }));
      await run(old.write([bytes('old')], 0));
      await run(storage.rename(path, `${directory}/target`));
      expect(await run(storage.list(directory))).toEqual(['target']);
      expect(await readAll(await run(storage.open(`${directory}/target`)))).toBe('new');
      expect(await readAll(old)).toBe('old');
    });

    it('moves between directories', async () => {
      await createWith('moved');
      await run(storage.makeDirectory(`${directory}/inner`));
      await run(storage.rename(path, `${directory}/inner/file`));
      expect(await run(storage.list(directory))).toEqual(['inner']);
      expect(await readAll(await run(storage.open(`${directory}/inner/file`)))).toBe('moved');
    });

    it('goes, and the open file stays readable', async () => {
      const file = await createWith('still here');
      await run(storage.remove(path));
      expect(await run(storage.list(directory))).toEqual([]);
      expect(await readAll(file)).toBe('still here');
    });

    it('that is missing can be neither moved nor removed: ENOENT', async () => {
      expect(await codeOf(storage.rename(path, `${directory}/b`))).toBe('ENOENT');
      expect(await codeOf(storage.remove(path))).toBe('ENOENT');
    });

    it('in an error is the one that was asked for', async () => {
      const failure = await run(storage.open(path)).catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: 'ENOENT', operation: 'open', path, name: 'StorageError' });
    });
  });

  describe('a lock', () => {
    it('is exclusive, also within the process, until it is released', async () => {
      const first = await run(storage.lock(path));
      expect(first).not.toBeNull();
      expect(await run(storage.lock(path))).toBeNull();
      await run(first!.release());
      const second = await run(storage.lock(path));
      expect(second).not.toBeNull();
      await run(second!.release());
    });

    it('that was released twice does not free the lock of the next owner', async () => {
      const first = await run(storage.lock(path));
      await run(first!.release());
      const second = await run(storage.lock(path));
      await run(first!.release());
      expect(await run(storage.lock(path))).toBeNull();
      await run(second!.release());
    });

    it('makes its file and leaves the contents of one that is there', async () => {
      await createWith('owner');
      const lock = await run(storage.lock(path));
      const other = await run(storage.lock(`${directory}/other`));
      expect(await run(storage.list(directory))).toEqual(['file', 'other']);
      expect(await readAll(await run(storage.open(path)))).toBe('owner');
      await run(lock!.release());
      await run(other!.release());
    });

    it('in a directory that is missing is ENOENT', async () => {
      expect(await codeOf(storage.lock(`${directory}/none/lock`))).toBe('ENOENT');
    });
  });
}
