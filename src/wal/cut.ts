import { concat, defer, ignoreElements, type Observable, of, switchMap, toArray } from 'rxjs';
import type { Storage, StorageFile } from '../storage/storage.js';
import { WINDOW_BYTES } from './frame-scanner.js';
import { logDirectory } from './log-file.js';
import { steps } from './steps.js';
import { useFile } from './use-file.js';

/** A part of a log file that was cut, and where its copy is. */
export interface CutFile {
  readonly path: string;
  readonly offset: number;
  readonly bytes: number;
  readonly copy: string;
}

/** The bytes `from` to `to` of a participant's log file are going to be cut. */
export interface Tail {
  readonly file: StorageFile;
  readonly participant: number;
  readonly from: number;
  readonly to: number;
}

export const CUT_DIRECTORY = 'cut';

/** Copies what is going to be cut into the mill's folder `cut`, durably, and emits where. Copies are never overwritten. */
export function keepCopies(
  storage: Storage,
  directory: string,
  tails: readonly Tail[],
): Observable<readonly CutFile[]> {
  const dirty = tails.filter((tail) => tail.to > tail.from);
  if (dirty.length === 0) return of([]);
  const folder = `${directory}/${CUT_DIRECTORY}`;
  return concat(
    storage.makeDirectory(folder).pipe(ignoreElements()),
    storage.syncDirectory(directory).pipe(ignoreElements()),
    defer(() => storage.list(folder)),
  ).pipe(
    switchMap((names) =>
      concat(concat(...dirty.map((tail) => copyTail(storage, folder, names, tail))).pipe(toArray())),
    ),
    switchMap((copies) => concat(storage.syncDirectory(folder).pipe(ignoreElements()), of(copies))),
  );
}

function copyTail(storage: Storage, folder: string, taken: readonly string[], tail: Tail): Observable<CutFile> {
  const copy = `${folder}/${freeName(`${logDirectory(tail.participant)}-at-${tail.from}`, taken)}`;
  return concat(
    useFile(storage.open(copy, { create: true }), (target) => concat(copyBytes(tail, target), target.sync())).pipe(
      ignoreElements(),
    ),
    of({ path: tail.file.path, offset: tail.from, bytes: tail.to - tail.from, copy }),
  );
}

function copyBytes(tail: Tail, target: StorageFile): Observable<never> {
  let from = tail.from;
  return steps(() => {
    const at = from;
    from = Math.min(tail.to, from + WINDOW_BYTES);
    return at < from
      ? tail.file.read(at, from - at).pipe(switchMap((bytes) => target.write([bytes], at - tail.from)))
      : null;
  });
}

function freeName(base: string, taken: readonly string[]): string {
  for (let count = 1; ; count++) {
    const name = count === 1 ? `${base}.wal` : `${base}-${count}.wal`;
    if (!taken.includes(name)) return name;
  }
}
