import {
  catchError,
  concat,
  defer,
  EMPTY,
  ignoreElements,
  map,
  type Observable,
  of,
  switchMap,
  throwError,
  toArray,
} from 'rxjs';
import { MillraceError } from '../errors.js';
import { SEGMENTS_DIRECTORY, STATE_DIRECTORY } from '../snapshots/leftovers.js';
import { isMissing, type Manifest, writeManifest } from '../snapshots/manifest.js';
import { type Storage, StorageError } from '../storage/storage.js';
import { FILE_HEADER_BYTES, METADATA } from '../wal/format.js';
import type { Hash } from '../wal/hash.js';
import { CHECKPOINT, CURRENT, logDirectory, NEXT, prepareLogFile } from '../wal/log-file.js';
import { survey } from '../wal/survey.js';
import { useFile } from '../wal/use-file.js';
import { METADATA_BYTES_MIN } from './checkpoint/log-sizes.js';

/** The name of the file whose lock says that a process holds the mill. */
export const LOCK = 'LOCK';
const OWN_NAMES = /^(LOCK|manifest-[ab]\.json(\.tmp)?|metadata|vgroup-\d\d|cut|segments|state)$/;

/** The number of a participant's first log file. */
const FIRST_FILE = 1;

export function participantsOf(vgroups: number): number[] {
  return [...Array.from({ length: vgroups }, (_, vgroup) => vgroup), METADATA];
}

export interface NewMill {
  readonly databaseId: Uint8Array;
  readonly vgroups: number;
  /** Bytes of a prepared VGroup log file. */
  readonly logFileBytes: number;
}

/**
 * Makes a new mill in a directory that has no manifest, as its steps: see that nothing is lost by it; the log files of
 * every participant, under their final names and durable; the manifest. A crash before the manifest leaves empty log
 * files, which the next start makes anew.
 */
export function createMill(storage: Storage, directory: string, mill: NewMill, hash: Hash): Observable<Manifest> {
  const { databaseId, vgroups } = mill;
  const manifest: Manifest = {
    format: 1,
    sequence: 1,
    databaseId: Buffer.from(databaseId).toString('hex'),
    vgroups,
    commit: 0,
    nextLsn: 1,
    ceiling: 1,
    logs: participantsOf(vgroups).map(() => FIRST_FILE),
    streams: [],
    segments: [],
  };
  return concat(
    defer(() => assertNoLostLogs(storage, directory)),
    concat(...participantsOf(vgroups).map((participant) => createLog(storage, directory, mill, participant, hash))),
    defer(() => storage.makeDirectory(`${directory}/${SEGMENTS_DIRECTORY}`)).pipe(ignoreElements()),
    defer(() => storage.syncDirectory(directory)).pipe(ignoreElements()),
    syncAncestors(storage, directory),
    writeManifest(storage, directory, manifest, hash),
    of(manifest),
  );
}

function createLog(
  storage: Storage,
  directory: string,
  mill: NewMill,
  participant: number,
  hash: Hash,
): Observable<never> {
  const folder = `${directory}/${logDirectory(participant)}`;
  const identity = { databaseId: mill.databaseId, participant, fileNumber: FIRST_FILE };
  const length = participant === METADATA ? Math.min(mill.logFileBytes, METADATA_BYTES_MIN) : mill.logFileBytes;
  return concat(
    storage.makeDirectory(folder),
    defer(() => prepareLogFile(storage, folder, identity, length, hash)),
    defer(() => storage.rename(`${folder}/${NEXT}`, `${folder}/${CURRENT}`)),
    defer(() => storage.syncDirectory(folder)),
  ).pipe(ignoreElements());
}

/** The names of the directory and of those it was made in: without them a power cut could take the whole mill. */
function syncAncestors(storage: Storage, directory: string): Observable<never> {
  return concat(
    ...ancestorsOf(directory).map((ancestor) =>
      defer(() => storage.syncDirectory(ancestor)).pipe(
        // One that we may not even read was not made by us just now.
        catchError((error) => (isForbidden(error) ? EMPTY : throwError(() => error))),
      ),
    ),
  ).pipe(ignoreElements());
}

function ancestorsOf(directory: string): string[] {
  const parts = directory.split('/').filter((part) => part !== '' && part !== '.');
  const root = directory.startsWith('/') ? '/' : './';
  return parts.map((_, count) => root + parts.slice(0, count).join('/')).reverse();
}

function isForbidden(error: unknown): boolean {
  return error instanceof StorageError && ['EACCES', 'EPERM'].includes(error.code);
}

/** A directory of something else is never made into a mill, and nothing is put into it. */
export function assertMillOrEmpty(storage: Storage, directory: string): Observable<never> {
  return storage.list(directory).pipe(
    catchError((error) => (isMissing(error) ? of([]) : throwError(() => error))),
    switchMap((names) => {
      const foreign = names.filter((name) => !OWN_NAMES.test(name) && !name.startsWith('.') && name !== 'lost+found');
      const isMill = names.some((name) => name.startsWith('manifest-'));
      return foreign.length === 0 || isMill ? EMPTY : throwError(() => notAMill(directory, foreign));
    }),
  );
}

/** Logs with frames in them, segments or state, but no manifest, are never made into a new mill. */
export function assertNoLostLogs(storage: Storage, directory: string): Observable<never> {
  return storage.list(directory).pipe(
    switchMap((names) => {
      const folders = names.filter((name) => /^(metadata|vgroup-\d\d)$/.test(name));
      const logs = folders.flatMap((name) => [`${directory}/${name}/${CURRENT}`, `${directory}/${name}/${CHECKPOINT}`]);
      return concat(
        ...logs.map((path) => hasFrames(storage, path)),
        ...[SEGMENTS_DIRECTORY, STATE_DIRECTORY]
          .filter((name) => names.includes(name))
          .map((name) => hasFiles(storage, `${directory}/${name}`)),
      );
    }),
    toArray(),
    switchMap((found) => (found.includes(true) ? throwError(() => manifestLost(directory)) : EMPTY)),
  );
}

function hasFrames(storage: Storage, path: string): Observable<boolean> {
  return useFile(storage.open(path, { readOnly: true }), (file) =>
    file.size().pipe(
      switchMap((size) =>
        survey({ file, participant: METADATA, seed: 0n }, Math.min(size, FILE_HEADER_BYTES), size, () => 0n),
      ),
      map((seen) => seen.dirtyFrom !== null),
    ),
  ).pipe(catchError((error) => (isMissing(error) ? of(false) : throwError(() => error))));
}

function hasFiles(storage: Storage, folder: string): Observable<boolean> {
  return storage.list(folder).pipe(map((names) => names.length > 0));
}

function notAMill(directory: string, foreign: readonly string[]): MillraceError {
  const some = foreign.slice(0, 5).join(', ');
  const message = `${directory} holds no mill, but other files (${some}). Nothing was changed. Give the mill an empty directory of its own.`;
  return new MillraceError('NOT_A_MILL', message, { path: directory });
}

function manifestLost(directory: string): MillraceError {
  const message = `${directory} holds data, but no manifest (manifest-a.json, manifest-b.json). Nothing was changed. Put a manifest back from a backup of this directory.`;
  return new MillraceError('CORRUPT_MANIFEST', message, { path: directory });
}
