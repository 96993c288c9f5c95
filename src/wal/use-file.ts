import { catchError, concat, defer, EMPTY, ignoreElements, type Observable, switchMap, throwError } from 'rxjs';
import type { StorageFile } from '../storage/storage.js';

/** Opens a file, does something with it, and closes it, also where that fails: then with the first failure. */
export function useFile<T>(opened: Observable<StorageFile>, use: (file: StorageFile) => Observable<T>): Observable<T> {
  return opened.pipe(
    switchMap((file) =>
      concat(
        defer(() => use(file)).pipe(catchError((error) => closedWith(file, error))),
        file.close().pipe(ignoreElements()),
      ),
    ),
  );
}

/** Closes a file that is not needed any more because of an error, and errors with it. */
export function closedWith(file: StorageFile, error: unknown): Observable<never> {
  return concat(
    file.close().pipe(
      ignoreElements(),
      catchError(() => EMPTY),
    ),
    throwError(() => error),
  );
}
