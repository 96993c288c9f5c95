import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileStorage } from '../../src/storage/file-storage.js';
import { storageContract } from './storage-contract.js';
import { bytes, codeOf, readAll, run, text } from './support.js';

const storage = new FileStorage();
const onLinux = process.platform === 'linux' ? it : it.skip;
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'millrace-'));
});

afterEach(async () => {
  jest.restoreAllMocks();
  await rm(directory, { recursive: true });
});

const openDescriptors = () => fs.readdirSync('/proc/self/fd').length;
const openNew = () => run(storage.open(`${directory}/file`, { create: true }));
const failure = (code: string) => Object.assign(new Error(`${code}: as the test ordered`), { code });

type Callback = (error: Error | null, count: number) => void;
type FileFunction = (
  descriptor: number,
  data: Uint8Array,
  offset: number,
  length: number,
  position: number,
  done: Callback,
) => void;

interface Call {
  readonly position: number;
  /** Does what was asked for the first `count` bytes only. */
  readonly real: (count: number) => void;
  readonly done: Callback;
}

/** Replaces `read` or `write` of node:fs. */
/** What is read without a thread gets no more than so many bytes. */
function readAtOnce(count: number): void {
  const original = fs.readSync as (...values: unknown[]) => number;
  const short = (descriptor: number, data: Uint8Array, offset: number, length: number, position: number) =>
    original(descriptor, data, offset, Math.min(count, length), position);
  jest.spyOn(fs, 'readSync').mockImplementation(short as never);
}

function mock(name: 'read' | 'write', fake: (call: Call) => void) {
  const original = fs[name] as FileFunction;
  const replacement: FileFunction = (descriptor, data, offset, length, position, done) => {
    const real = (count: number) => original(descriptor, data, offset, Math.min(count, length), position, done);
    fake({ position, real, done });
  };
  return jest.spyOn(fs, name).mockImplementation(replacement as never);
}

describe('FileStorage', () => {
  storageContract(async () => ({ storage, directory }));

  describe('a short write', () => {
    it('goes on with the rest', async () => {
      const file = await openNew();
      const write = mock('write', ({ real }) => real(3));
      await run(file.write([bytes('0123456789')], 2));
      expect(await readAll(file)).toBe('\0\x000123456789');
      expect(write).toHaveBeenCalledTimes(4);
    });

    it('of several chunks goes on inside the chunk where it stopped', async () => {
      const file = await openNew();
      const short = (descriptor: number, chunks: Uint8Array[], position: number, done: Callback) =>
        done(null, fs.writeSync(descriptor, Buffer.concat(chunks).subarray(0, 4), 0, undefined, position));
      jest.spyOn(fs, 'writev').mockImplementation(short as never);
      await run(file.write([bytes('abc'), bytes('defgh'), bytes(''), bytes('ij'), bytes('k')], 0));
      expect(await readAll(file)).toBe('abcdefghijk');
    });

    it('reports the reason that the next write gives', async () => {
      const file = await openNew();
      mock('write', ({ position, real, done }) => (position > 0 ? done(failure('ENOSPC'), 0) : real(4)));
      expect(await codeOf(file.write([bytes('0123456789')], 0))).toBe('ENOSPC');
    });

    it('of nothing is an EIO, not an endless loop', async () => {
      const file = await openNew();
      mock('write', ({ done }) => done(null, 0));
      expect(await codeOf(file.write([bytes('lost')], 0))).toBe('EIO');
    });
  });

  describe('a short read', () => {
    it('goes on with the rest', async () => {
      const file = await openNew();
      await run(file.write([bytes('0123456789')], 0));
      readAtOnce(3);
      mock('read', ({ real }) => real(3));
      expect(text(await run(file.read(1, 8)))).toBe('12345678');
    });

    it('goes on with the rest of much, which a thread reads', async () => {
      const file = await openNew();
      const much = bytes('0123456789'.repeat(10_000));
      await run(file.write([much], 0));
      mock('read', ({ real }) => real(30_000));
      expect(Buffer.compare(await run(file.read(0, much.length)), much)).toBe(0);
    });

    it('is an EIO where the file goes on', async () => {
      const file = await openNew();
      await run(file.write([bytes('0123456789')], 0));
      expect(text(await run(file.read(0, 4)))).toBe('0123');
      readAtOnce(4);
      mock('read', ({ done }) => done(null, 0));
      const error = await run(file.read(0, 8)).catch((cause: unknown) => cause);
      expect(error).toMatchObject({ code: 'EIO', operation: 'read', path: `${directory}/file` });
      expect(String(error)).toContain('ended at byte 4 of a file of 10 bytes');
    });

    it('passes the error of the system on', async () => {
      const file = await openNew();
      readAtOnce(0);
      mock('read', ({ done }) => done(failure('EIO'), 0));
      expect(await codeOf(file.read(0, 8))).toBe('EIO');
    });
  });

  it('reports a sync that failed, and does not try again', async () => {
    const file = await openNew();
    const name = process.platform === 'darwin' ? 'fsync' : 'fdatasync';
    const sync = jest
      .spyOn(fs, name)
      .mockImplementation(((_: number, done: Callback) => done(failure('EIO'), 0)) as never);
    expect(await codeOf(file.sync())).toBe('EIO');
    expect(sync).toHaveBeenCalledTimes(1);
  });

  it('reports a read of more than memory can hold, and can still be closed', async () => {
    const file = await openNew();
    expect(await codeOf(file.read(0, Number.MAX_SAFE_INTEGER))).toMatch(/^ERR_/);
    expect(await run(file.close())).toBeUndefined();
  });

  describe('a subscriber who leaves', () => {
    onLinux('an open, a lock or a directory sync leaks no descriptor', async () => {
      const before = openDescriptors();
      for (let round = 0; round < 5; round++) {
        storage.open(`${directory}/file`, { create: true }).subscribe().unsubscribe();
        storage.lock(`${directory}/lock`).subscribe().unsubscribe();
        storage.syncDirectory(directory).subscribe().unsubscribe();
      }
      while (openDescriptors() > before) await new Promise((resolve) => setTimeout(resolve, 5));
      const lock = await run(storage.lock(`${directory}/lock`));
      expect(lock).not.toBeNull();
      await run(lock!.release());
    });

    it('a write lets close wait until the system is done with the descriptor', async () => {
      const file = await openNew();
      const steps: string[] = [];
      mock('write', ({ real }) => {
        setTimeout(() => {
          steps.push('written');
          real(4);
        }, 20);
      });
      file
        .write([bytes('late')], 0)
        .subscribe()
        .unsubscribe();
      await run(file.close());
      expect([...steps, 'closed']).toEqual(['written', 'closed']);
      expect(await readAll(await openNew())).toBe('late');
    });
  });

  onLinux('closes the directory when its sync fails', async () => {
    const before = openDescriptors();
    jest.spyOn(fs, 'fsync').mockImplementation(((_: number, done: Callback) => done(failure('EIO'), 0)) as never);
    expect(await codeOf(storage.syncDirectory(directory))).toBe('EIO');
    expect(openDescriptors()).toBe(before);
  });

  it('is refused a lock that another process holds, until kill -9 ends that process', async () => {
    const path = `${directory}/lock`;
    const script = `${directory}/holder.cjs`;
    await writeFile(
      script,
      `const { tryLock } = require(${JSON.stringify(require.resolve('fs-native-extensions'))});
       const descriptor = require('node:fs').openSync(process.argv[2], 'a+');
       console.log(tryLock(descriptor));
       setInterval(() => {}, 1000);`,
    );
    const holder = spawn(process.execPath, [script, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    expect(String((await once(holder.stdout, 'data'))[0]).trim()).toBe('true');
    expect(await run(storage.lock(path))).toBeNull();
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    const lock = await run(storage.lock(path));
    expect(lock).not.toBeNull();
    await run(lock!.release());
  });
});
