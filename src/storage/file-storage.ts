import fs from 'node:fs';
import { tryLock, unlock } from 'fs-native-extensions';
import { Observable, type Subscriber } from 'rxjs';
import { FileHandle, toStorageError } from './file-handle.js';
import type { OpenOptions, Storage, StorageFile, StorageLock } from './storage.js';

const { O_CREAT, O_RDONLY, O_RDWR } = fs.constants;

/**
 * The disk of the operating system, by way of `node:fs`. Stateless: any number may stand side by side.
 *
 * Errors are `StorageError`s with the system's code. A subscriber who leaves an operation that has begun does not stop it,
 * and never leaks a descriptor. On Windows a directory cannot be synced: `syncDirectory` completes without doing anything,
 * and the names of new files are as durable as the file system makes them.
 *
 * @example
 * const storage = new FileStorage();
 * storage.open('plant/notes', { create: true }).pipe(
 *   concatMap((file) => concat(file.write([bytes], 0), file.sync(), file.close())),
 * ).subscribe();
 */
export class FileStorage implements Storage {
  open(path: string, options: OpenOptions = {}): Observable<StorageFile> {
    const flags = options.readOnly ? O_RDONLY : options.create ? O_RDWR | O_CREAT : O_RDWR;
    return withDescriptor<StorageFile>('open', path, flags, (descriptor, subscriber) => {
      subscriber.next(new FileHandle(path, descriptor));
      subscriber.complete();
    });
  }

  list(directory: string): Observable<readonly string[]> {
    return new Observable<readonly string[]>((subscriber) => {
      fs.readdir(directory, (error, names) => {
        if (error) return subscriber.error(toStorageError(error, 'list', directory));
        subscriber.next(names.sort());
        subscriber.complete();
      });
    });
  }

  makeDirectory(path: string): Observable<void> {
    return action('makeDirectory', path, (done) => fs.mkdir(path, { recursive: true }, done));
  }

  rename(from: string, to: string): Observable<void> {
    return action('rename', from, (done) => fs.rename(from, to, done));
  }

  remove(path: string): Observable<void> {
    return action('remove', path, (done) => fs.unlink(path, done));
  }

  syncDirectory(path: string): Observable<void> {
    if (process.platform === 'win32') return action('syncDirectory', path, (done) => done(null));
    return withDescriptor<void>('syncDirectory', path, O_RDONLY, (descriptor, subscriber) => {
      fs.fsync(descriptor, (failure) =>
        fs.close(descriptor, () => {
          if (failure) subscriber.error(toStorageError(failure, 'syncDirectory', path));
          else subscriber.complete();
        }),
      );
    });
  }

  /** The lock belongs to the open file, not to the process, so a second one in the same process is refused as well. */
  lock(path: string): Observable<StorageLock | null> {
    return withDescriptor<StorageLock | null>('lock', path, O_RDWR | O_CREAT, (descriptor, subscriber) => {
      try {
        const taken = tryLock(descriptor);
        if (!taken) fs.close(descriptor, ignore);
        subscriber.next(taken ? new FileLock(path, descriptor) : null);
        subscriber.complete();
      } catch (error) {
        fs.close(descriptor, ignore);
        subscriber.error(toStorageError(error, 'lock', path));
      }
    });
  }
}

class FileLock implements StorageLock {
  #descriptor: number | undefined;

  constructor(
    readonly path: string,
    descriptor: number,
  ) {
    this.#descriptor = descriptor;
  }

  /** Releasing twice is fine: the second time there is nothing to do. */
  release(): Observable<void> {
    return action('release', this.path, (done) => {
      const descriptor = this.#descriptor;
      if (descriptor === undefined) return done(null);
      this.#descriptor = undefined;
      try {
        unlock(descriptor);
      } catch {
        // Closing the only descriptor frees the lock too.
      }
      fs.close(descriptor, done);
    });
  }
}

function action(name: string, path: string, begin: (done: (error: Error | null) => void) => void): Observable<void> {
  return new Observable<void>((subscriber) => {
    begin((error) => {
      if (error) subscriber.error(toStorageError(error, name, path));
      else subscriber.complete();
    });
  });
}

/** Opens a path; closes it at once where the subscriber left while the system was opening it. */
function withDescriptor<T>(
  name: string,
  path: string,
  flags: number,
  use: (descriptor: number, subscriber: Subscriber<T>) => void,
): Observable<T> {
  return new Observable<T>((subscriber) => {
    fs.open(path, flags, (error, descriptor) => {
      if (error) subscriber.error(toStorageError(error, name, path));
      else if (subscriber.closed) fs.close(descriptor, ignore);
      else use(descriptor, subscriber);
    });
  });
}

function ignore(): void {}
