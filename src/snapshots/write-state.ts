import { concat, defer, EMPTY, ignoreElements, type Observable } from 'rxjs';
import type { Storage, StorageFile } from '../storage/storage.js';
import { steps } from '../wal/steps.js';
import type { CapturedState } from './captured-state.js';
import type { Values } from './state-codec.js';
import type { StateFileContext } from './state-file.js';
import { withFile } from './with-file.js';

export interface WriteStateOptions extends StateFileContext {
  /** Runs between two slices, so that a checkpoint leaves time for other work. Default: only the disk's own time. */
  readonly pause?: Observable<unknown>;
  /** Entries in a slice. Default: what the codec takes, which is about a millisecond's work. */
  readonly entriesMax?: number;
}

/**
 * Writes what was captured to a file, slice by slice, and syncs it; an empty capture writes nothing. The name is durable once
 * the directory is synced, which the caller does for all files together. A crash before the manifest names the file leaves
 * one that belongs to nobody.
 *
 * Errors with what the disk says; then, and when it is unsubscribed, the caller calls `captured.failed()`.
 */
export function writeState<V, A extends Values>(
  storage: Storage,
  directory: string,
  name: string,
  captured: CapturedState<V, A>,
  options: WriteStateOptions,
): Observable<never> {
  const write = (file: StorageFile) =>
    concat(
      // Something may be there: of an attempt that failed, or that a crash cut short.
      file.truncate(0),
      writeSlices(file, captured.slices(name, options, options.entriesMax), options.pause ?? EMPTY),
      file.sync(),
    );
  return defer(() =>
    captured.isEmpty ? EMPTY : withFile(storage, `${directory}/${name}`, { create: true }, write),
  ).pipe(ignoreElements());
}

function writeSlices(file: StorageFile, slices: Iterator<Uint8Array>, pause: Observable<unknown>): Observable<never> {
  let position = 0;
  return steps(() => {
    const { done, value } = slices.next();
    if (done) return null;
    const at = position;
    position += value.length;
    return concat(file.write([value], at), pause);
  });
}
