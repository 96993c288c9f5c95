import {
  catchError,
  concat,
  defer,
  EMPTY,
  ignoreElements,
  map,
  type Observable,
  switchMap,
  throwError,
  toArray,
} from 'rxjs';
import type { Storage } from '../storage/storage.js';
import { FILE_HEADER_BYTES } from './format.js';
import type { Hash } from './hash.js';
import { CHECKPOINT, CURRENT, LogFile, logDirectory, NEXT, prepareLogFile, readFileHeader } from './log-file.js';
import { settleAll } from './settle-all.js';
import { closedWith } from './use-file.js';

/** Where a mill's log files are. */
export interface LogPlace {
  readonly storage: Storage;
  readonly directory: string;
  readonly hash: Hash;
}

/**
 * Prepares `next.wal` beside every current file: zero-filled, synced, with the next file number; emits them opened. A
 * crash leaves files without frames, which the next preparation writes anew.
 */
export function prepareNext(
  place: LogPlace,
  current: readonly LogFile[],
  lengthOf: (participant: number) => number,
): Observable<readonly LogFile[]> {
  const opened: LogFile[] = [];
  // One after the other: disks write zeros no faster for being asked twice, and where one fails no other is on its way.
  return concat(...current.map((file) => prepareOne(place, file, lengthOf(file.participant), opened))).pipe(
    toArray(),
    catchError((error) =>
      concat(
        settleAll(opened.map(({ file }) => file.close())).pipe(catchError(() => EMPTY)),
        throwError(() => error),
      ),
    ),
  );
}

function prepareOne(
  { storage, directory, hash }: LogPlace,
  { participant, header }: LogFile,
  length: number,
  opened: LogFile[],
): Observable<LogFile> {
  const folder = `${directory}/${logDirectory(participant)}`;
  const identity = { databaseId: header.databaseId, participant, fileNumber: header.fileNumber + 1 };
  return concat(
    prepareLogFile(storage, folder, identity, length, hash).pipe(ignoreElements()),
    defer(() => storage.open(`${folder}/${NEXT}`)),
  ).pipe(
    switchMap((file) =>
      readFileHeader(file, hash).pipe(
        map((found) => {
          const next = new LogFile(file, found, FILE_HEADER_BYTES);
          opened.push(next);
          return next;
        }),
        catchError((error) => closedWith(file, error)),
      ),
    ),
  );
}

/**
 * Gives the files their new roles, durably: current becomes checkpoint, next becomes current. Between two commits, when
 * everything written is synced. A crash on the way leaves some participants with the new names and others with the old
 * ones, and one perhaps without a current file: every frame is in a file that has a name, and the file numbers tell the roles.
 */
export function rotateNames(place: LogPlace, participants: readonly number[]): Observable<never> {
  return settleAll(
    participants.map((participant) =>
      renamed(place, participant, [
        [CURRENT, CHECKPOINT],
        [NEXT, CURRENT],
      ]),
    ),
  );
}

/** Takes a rotation that failed back, as far as it came, durably. */
export function undoRotation(place: LogPlace, participants: readonly number[]): Observable<never> {
  const { storage, directory } = place;
  return settleAll(
    participants.map((participant) =>
      storage.list(`${directory}/${logDirectory(participant)}`).pipe(
        switchMap((names) => {
          const back: [string, string][] = [];
          // A checkpoint file alone says nothing: it may be one that could not be removed.
          const hasCurrent = names.includes(CURRENT);
          if (hasCurrent && !names.includes(NEXT)) back.push([CURRENT, NEXT]);
          if (!hasCurrent || back.length > 0) back.push([CHECKPOINT, CURRENT]);
          return renamed(place, participant, back);
        }),
      ),
    ),
  );
}

/** Renames files in a participant's folder, in order, durably. */
export function renamed(
  { storage, directory }: LogPlace,
  participant: number,
  names: readonly (readonly [from: string, to: string])[],
): Observable<never> {
  const folder = `${directory}/${logDirectory(participant)}`;
  return concat(
    ...names.map(([from, to]) => defer(() => storage.rename(`${folder}/${from}`, `${folder}/${to}`))),
    defer(() => storage.syncDirectory(folder)),
  ).pipe(ignoreElements());
}

/** Closes and removes the files before the current ones, which a durable manifest has made superfluous. A crash leaves some; the next start removes them. */
export function retireFiles({ storage, directory }: LogPlace, files: readonly LogFile[]): Observable<never> {
  return settleAll(
    files.map(({ file, participant }) => {
      const folder = `${directory}/${logDirectory(participant)}`;
      return concat(
        file.close().pipe(catchError(() => EMPTY)),
        defer(() => storage.remove(`${folder}/${CHECKPOINT}`)),
        defer(() => storage.syncDirectory(folder)),
      );
    }),
  );
}
