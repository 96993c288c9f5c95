import {
  catchError,
  concat,
  defer,
  EMPTY,
  finalize,
  ignoreElements,
  type Observable,
  switchMap,
  throwError,
} from 'rxjs';
import type { OpenOptions, Storage, StorageFile } from '../storage/storage.js';

/** Opens a file for as long as it is used: it is closed at the end, after an error, and when it is unsubscribed. */
export function withFile<T>(
  storage: Storage,
  path: string,
  options: OpenOptions,
  use: (file: StorageFile) => Observable<T>,
): Observable<T> {
  return storage.open(path, options).pipe(switchMap((file) => closing(file, use)));
}

function closing<T>(file: StorageFile, use: (file: StorageFile) => Observable<T>): Observable<T> {
  let isOpen = true;
  const close = defer(() => {
    isOpen = false;
    return file.close().pipe(ignoreElements());
  });
  // Where the use failed, that is what matters, not that the file did not close either.
  const closeQuietly = defer(() => (isOpen ? close.pipe(catchError(() => EMPTY)) : EMPTY));
  return concat(
    defer(() => use(file)),
    close,
  ).pipe(
    catchError((error) =>
      concat(
        closeQuietly,
        throwError(() => error),
      ),
    ),
    finalize(() => closeQuietly.subscribe()),
  );
}
