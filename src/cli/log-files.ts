import { lastValueFrom, type Observable } from 'rxjs';
import { MillraceError } from '../errors.js';
import { type Manifest, readManifest } from '../snapshots/manifest.js';
import { type Storage, StorageError, type StorageFile } from '../storage/storage.js';
import type { Hash } from '../wal/hash.js';

/** Log files of a mill that this process does not hold: opened for reading only, without its lock, never changed. */

/** Waits for an operation of the core; `undefined` where it only completes. */
export function done<T>(operation: Observable<T>): Promise<T> {
  return lastValueFrom(operation, { defaultValue: undefined as T });
}

/** @throws MillraceError `NOT_A_MILL` where there is no manifest, `CORRUPT_MANIFEST` */
export async function manifestIn(storage: Storage, directory: string, hash: Hash): Promise<Manifest> {
  const found = await done(readManifest(storage, directory, hash));
  if (found !== null) return found.manifest;
  const message = `There is no mill in ${directory}: it has no manifest. Give the directory of a mill with --dir.`;
  throw new MillraceError('NOT_A_MILL', message, { path: directory });
}

export function openForReading(storage: Storage, path: string): Promise<StorageFile> {
  return done(storage.open(path, { readOnly: true }));
}

/** What is in a directory; `null` where the path is a file. */
export async function namesIn(storage: Storage, path: string): Promise<readonly string[] | null> {
  try {
    return await done(storage.list(path));
  } catch (error) {
    if (error instanceof StorageError && error.code === 'ENOTDIR') return null;
    throw error instanceof StorageError ? new StorageError(error.code, 'open', path, error) : error;
  }
}
