import { type Observable, throwError } from 'rxjs';
import { type OpenOptions, type Storage, StorageError, type StorageFile, type StorageLock } from './storage.js';

/**
 * A disk on which nothing can be changed, whatever is asked of it: files are opened for reading only, and everything else
 * that would change something fails with `EROFS`. For looking at a mill that is someone else's.
 */
export class ReadOnlyStorage implements Storage {
  constructor(private readonly storage: Storage) {}

  open(path: string, options: OpenOptions = {}): Observable<StorageFile> {
    return options.create ? refused('open', path) : this.storage.open(path, { readOnly: true });
  }

  list(directory: string): Observable<readonly string[]> {
    return this.storage.list(directory);
  }

  makeDirectory(path: string): Observable<void> {
    return refused('makeDirectory', path);
  }

  rename(from: string, _to: string): Observable<void> {
    return refused('rename', from);
  }

  remove(path: string): Observable<void> {
    return refused('remove', path);
  }

  syncDirectory(path: string): Observable<void> {
    return refused('syncDirectory', path);
  }

  lock(path: string): Observable<StorageLock | null> {
    return refused('lock', path);
  }
}

function refused(operation: string, path: string): Observable<never> {
  return throwError(() => new StorageError('EROFS', operation, path));
}
