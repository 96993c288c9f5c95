import fs from 'node:fs';
import { Observable, type Subscriber } from 'rxjs';
import { StorageError, type StorageFile } from './storage.js';

/** On macOS only `fsync` empties the drive's own cache; elsewhere `fdatasync` covers the contents and the length. */
const syncToDisk: (descriptor: number, done: fs.NoParamCallback) => void =
  process.platform === 'darwin'
    ? (descriptor, done) => fs.fsync(descriptor, done)
    : (descriptor, done) => fs.fdatasync(descriptor, done);

/** The error of a system call with the code that the system gave. */
export function toStorageError(cause: unknown, operation: string, path: string): StorageError {
  if (cause instanceof StorageError) return cause;
  const code = (cause as NodeJS.ErrnoException | null)?.code;
  return new StorageError(typeof code === 'string' ? code : 'EIO', operation, path, cause);
}

/**
 * So little is read at once, without a thread: where the system has it in memory, that takes a tenth of the time that it takes to
 * ask a thread for it, and of a device it is one access.
 */
const READ_AT_ONCE_BYTES_MAX = 64 * 1024;

type Outcome<T> = (error: Error | null, value?: T) => void;
type Begin<T> = (subscriber: Subscriber<T>, done: Outcome<T>) => void;

/**
 * An open file of the operating system. An operation that was begun goes on when its subscriber leaves, so `close` waits for
 * what is still running: a descriptor that is closed under a write could be given to another file in the meantime.
 */
export class FileHandle implements StorageFile {
  readonly path: string;
  readonly #descriptor: number;
  #running = 0;
  #closed = false;
  #whenIdle: (() => void) | undefined;

  constructor(path: string, descriptor: number) {
    this.path = path;
    this.#descriptor = descriptor;
  }

  size(): Observable<number> {
    return this.#operation<number>('size', (_, done) =>
      fs.fstat(this.#descriptor, (error, stats) => (error ? done(error) : done(null, stats.size))),
    );
  }

  read(position: number, length: number, into?: Uint8Array): Observable<Uint8Array> {
    const begin = (subscriber: Subscriber<Uint8Array>, done: Outcome<Uint8Array>) => {
      // Never from the shared pool: readers lay typed arrays over it, which needs an aligned start.
      const bytes = into ?? new Uint8Array(Buffer.allocUnsafeSlow(length).buffer);
      const got = length <= READ_AT_ONCE_BYTES_MAX ? fs.readSync(this.#descriptor, bytes, 0, length, position) : 0;
      this.#readOn(bytes, position, got, subscriber, done);
    };
    return this.#operation('read', begin, position, length);
  }

  write(chunks: readonly Uint8Array[], position: number): Observable<void> {
    const begin = (subscriber: Subscriber<void>, done: Outcome<void>) =>
      this.#writeOn(chunks, position, subscriber, done);
    return this.#operation('write', begin, position);
  }

  sync(): Observable<void> {
    return this.#operation<void>('sync', (_, done) => syncToDisk(this.#descriptor, done));
  }

  truncate(length: number): Observable<void> {
    return this.#operation<void>('truncate', (_, done) => fs.ftruncate(this.#descriptor, length, done), length);
  }

  close(): Observable<void> {
    return new Observable<void>((subscriber) => {
      if (this.#closed) return subscriber.error(new StorageError('EBADF', 'close', this.path));
      this.#closed = true;
      this.#whenIdle = () =>
        fs.close(this.#descriptor, (error) => {
          if (error) subscriber.error(toStorageError(error, 'close', this.path));
          else subscriber.complete();
        });
      if (this.#running === 0) this.#whenIdle();
    });
  }

  #operation<T>(name: string, begin: Begin<T>, position = 0, length = 0): Observable<T> {
    return new Observable<T>((subscriber) => {
      if (this.#closed) return subscriber.error(new StorageError('EBADF', name, this.path));
      // Checked here, for Node takes a position that is not a whole number as "wherever the last write ended".
      if (!isOffset(position) || !isOffset(length))
        return subscriber.error(new StorageError('EINVAL', name, this.path));
      this.#running++;
      const done: Outcome<T> = (error, value) => {
        if (--this.#running === 0) this.#whenIdle?.();
        if (error) return subscriber.error(toStorageError(error, name, this.path));
        if (value !== undefined) subscriber.next(value);
        subscriber.complete();
      };
      try {
        begin(subscriber, done);
      } catch (error) {
        // More memory than there is, or arguments that Node refuses.
        done(error as Error);
      }
    });
  }

  #readOn(
    bytes: Uint8Array,
    position: number,
    got: number,
    subscriber: Subscriber<unknown>,
    done: Outcome<Uint8Array>,
  ) {
    if (got === bytes.length || subscriber.closed) return done(null, bytes);
    fs.read(this.#descriptor, bytes, got, bytes.length - got, position + got, (error, count) => {
      if (error) done(error);
      else if (count > 0) this.#readOn(bytes, position, got + count, subscriber, done);
      else this.#checkEnd(bytes, position, got, done);
    });
  }

  /** Nothing more to read: fine at the end of the file only, for a read that fails half way reports no error. */
  #checkEnd(bytes: Uint8Array, position: number, got: number, done: Outcome<Uint8Array>) {
    fs.fstat(this.#descriptor, (error, stats) => {
      if (error) return done(error);
      if (stats.size <= position + got) return done(null, bytes.subarray(0, got));
      const cause = new Error(`the read ended at byte ${position + got} of a file of ${stats.size} bytes`);
      done(new StorageError('EIO', 'read', this.path, cause));
    });
  }

  /** Goes on after a short write: the next one then reports why (no space, a size limit). */
  #writeOn(chunks: readonly Uint8Array[], position: number, subscriber: Subscriber<unknown>, done: Outcome<void>) {
    const asked = byteLength(chunks);
    if (asked === 0 || subscriber.closed) return done(null);
    const written = (error: NodeJS.ErrnoException | null, count: number): void => {
      if (error) done(error);
      else if (count >= asked) done(null);
      else if (count > 0) this.#writeOn(remainder(chunks, count), position + count, subscriber, done);
      else done(this.#nothingWritten(asked, position));
    };
    if (chunks.length === 1) fs.write(this.#descriptor, chunks[0]!, 0, asked, position, written);
    else fs.writev(this.#descriptor, chunks, position, written);
  }

  #nothingWritten(asked: number, position: number): StorageError {
    const cause = new Error(`the system took none of ${asked} bytes at byte ${position} and gave no reason`);
    return new StorageError('EIO', 'write', this.path, cause);
  }
}

function isOffset(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function byteLength(chunks: readonly Uint8Array[]): number {
  let sum = 0;
  for (const chunk of chunks) sum += chunk.length;
  return sum;
}

function remainder(chunks: readonly Uint8Array[], written: number): Uint8Array[] {
  const rest: Uint8Array[] = [];
  let skip = written;
  for (const chunk of chunks) {
    if (skip < chunk.length) rest.push(chunk.subarray(skip));
    skip = Math.max(0, skip - chunk.length);
  }
  return rest;
}
