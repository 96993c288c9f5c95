import type { Observable } from 'rxjs';

/**
 * The only door to the disk. Every operation is a cold Observable: it acts when subscribed, emits once (or only
 * completes, for `void`) and may do so synchronously. Failures are `StorageError`s. Paths are `/`-joined strings.
 */
export interface Storage {
  /** Opens a file for reading and positional writing. Creates it empty where `create` is set; without it a missing file is `ENOENT`. */
  open(path: string, options?: OpenOptions): Observable<StorageFile>;
  /** The names in a directory, sorted; `ENOENT` where there is none. */
  list(directory: string): Observable<readonly string[]>;
  /** Makes a directory and its parents. One that is there already is fine. */
  makeDirectory(path: string): Observable<void>;
  /** Atomic, replaces what has the name `to`. Durable only after `syncDirectory`. */
  rename(from: string, to: string): Observable<void>;
  /** Removes a file; `ENOENT` where there is none. Durable only after `syncDirectory`. */
  remove(path: string): Observable<void>;
  /** Makes the names in a directory durable (creations, renames, removals). */
  syncDirectory(path: string): Observable<void>;
  /**
   * Takes an exclusive lock on a file, made where it is missing. Emits `null` where someone else holds it (this process
   * or another). The system frees it when the process ends, however it ends.
   */
  lock(path: string): Observable<StorageLock | null>;
}

export interface OpenOptions {
  readonly create?: boolean;
  /** Refuse writes: the file is not touched, whatever happens. */
  readonly readOnly?: boolean;
}

export interface StorageFile {
  readonly path: string;
  /** The length in bytes. */
  size(): Observable<number>;
  /**
   * Reads exactly `length` bytes, fewer only where the file ends: a short read elsewhere is an `EIO`. `into` is memory of that
   * length that may be used for it.
   */
  read(position: number, length: number, into?: Uint8Array): Observable<Uint8Array>;
  /** Writes the chunks one after the other from `position`, all of them or an error (then any part may be there). */
  write(chunks: readonly Uint8Array[], position: number): Observable<void>;
  /** Makes contents and length durable. After a failure nothing is known about what was written since the last success. */
  sync(): Observable<void>;
  truncate(length: number): Observable<void>;
  close(): Observable<void>;
}

export interface StorageLock {
  release(): Observable<void>;
}

/** What the disk answered. `code` is the system's own: `ENOENT`, `ENOSPC`, `EIO`, … */
export class StorageError extends Error {
  override readonly name = 'StorageError';

  constructor(
    readonly code: string,
    readonly operation: string,
    readonly path: string,
    cause?: unknown,
  ) {
    super(`${operation} ${path}: ${code}${cause instanceof Error ? ` (${cause.message})` : ''}`, { cause });
  }
}
