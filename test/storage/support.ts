import { lastValueFrom, type Observable } from 'rxjs';
import { StorageError, type StorageFile } from '../../src/storage/storage.js';

export function bytes(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'latin1'));
}

export function text(found: Uint8Array): string {
  return Buffer.from(found).toString('latin1');
}

/** Runs an operation to its end; undefined where it only completes. */
export function run<T>(operation: Observable<T>): Promise<T> {
  return lastValueFrom(operation, { defaultValue: undefined as T });
}

/** Runs an operation that completes synchronously: throws its error, or that it did not complete. */
export function now<T>(operation: Observable<T>): T {
  let answer: T | undefined;
  let failure: unknown = new Error('it did not complete');
  operation.subscribe({
    next: (value) => (answer = value),
    error: (error) => (failure = error),
    complete: () => (failure = undefined),
  });
  if (failure) throw failure;
  return answer as T;
}

/** The code an operation fails with. */
export async function codeOf(operation: Observable<unknown>): Promise<string> {
  const error = await run(operation).then(
    () => new Error('it did not fail'),
    (failure: unknown) => failure,
  );
  if (!(error instanceof StorageError)) throw error;
  return error.code;
}

export async function readAll(file: StorageFile): Promise<string> {
  return text(await run(file.read(0, await run(file.size()))));
}
