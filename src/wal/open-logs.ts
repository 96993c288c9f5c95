import { concat, defer, EMPTY, type Observable, of, switchMap, tap, toArray } from 'rxjs';
import { CorruptLogError } from '../errors.js';
import {
  CHECKPOINT,
  CURRENT,
  type LogFile,
  type LogFileIdentity,
  logDirectory,
  NEXT,
  openLogFile,
} from './log-file.js';
import { type LogPlace, renamed } from './rotation.js';

/** The log of one participant as it was found. */
export interface ParticipantLog {
  readonly participant: number;
  /** One or two files, oldest first; the last one is current. */
  readonly files: readonly LogFile[];
  /** What a crash left undone with their names; to be done once the log is known to be sound. */
  readonly unfinished: Unfinished;
}

/** A rotation had renamed the current file only; or a checkpoint had not removed a file that the manifest has made superfluous. */
type Unfinished = 'nothing' | 'rotation' | 'retirement';

/**
 * Opens a participant's log files from the first one that the manifest needs. Changes nothing; errors with
 * `CorruptLogError` where one of them is missing. What was opened goes into `opened`, also when that errors.
 */
export function openParticipant(
  place: LogPlace,
  expected: LogFileIdentity,
  opened: LogFile[],
): Observable<ParticipantLog> {
  const { storage, directory, hash } = place;
  const { participant, fileNumber } = expected;
  const folder = `${directory}/${logDirectory(participant)}`;
  const open = (name: string) =>
    openLogFile(storage, folder, expected, hash, name).pipe(tap((file) => opened.push(file)));
  return storage.list(folder).pipe(
    switchMap((names) => {
      const isHalfRotated = !names.includes(CURRENT) && names.includes(CHECKPOINT) && names.includes(NEXT);
      return open(isHalfRotated ? NEXT : CURRENT).pipe(
        switchMap((current) => {
          const number = current.header.fileNumber;
          // All participants rotate together: before the file that the manifest needs there is none that it needs.
          if (number === fileNumber) {
            const unfinished = names.includes(CHECKPOINT) ? 'retirement' : 'nothing';
            return of<ParticipantLog>({ participant, files: [current], unfinished });
          }
          if (number !== fileNumber + 1) throw discontinued(current, fileNumber);
          return open(CHECKPOINT).pipe(
            switchMap((checkpoint) => {
              if (checkpoint.header.fileNumber !== fileNumber) throw discontinued(checkpoint, fileNumber);
              const unfinished = isHalfRotated ? 'rotation' : 'nothing';
              return of<ParticipantLog>({ participant, files: [checkpoint, current], unfinished });
            }),
          );
        }),
      );
    }),
  );
}

function discontinued({ file, header }: LogFile, expected: number): CorruptLogError {
  const message =
    `${file.path} is log file number ${header.fileNumber}, but the log continues in number ${expected} after what the manifest has: ` +
    'a file is missing, or another one was put in its place. Nothing was changed. Put the right files back from a backup of this directory.';
  return new CorruptLogError(message, { path: file.path, offset: 32 });
}

/** Opens the logs of all participants, from the files with these numbers on. */
export function openLogs(
  place: LogPlace,
  expected: readonly LogFileIdentity[],
  opened: LogFile[],
): Observable<readonly ParticipantLog[]> {
  // One after the other: where one cannot be opened, no other is still on its way.
  return concat(...expected.map((identity) => defer(() => openParticipant(place, identity, opened)))).pipe(toArray());
}

/**
 * Finishes what a crash left undone with the names of files, and makes them durable: a process that was killed may have
 * renamed files without a sync, and no frame must go to one whose name a power cut could take back. The log must be sound; a
 * crash here leaves the rest for the next start.
 */
export function finishNames(place: LogPlace, logs: readonly ParticipantLog[]): Observable<never> {
  return concat(...logs.map((log) => defer(() => finishOne(place, log))));
}

function finishOne(place: LogPlace, { participant, unfinished }: ParticipantLog): Observable<never> {
  const { storage, directory } = place;
  const folder = `${directory}/${logDirectory(participant)}`;
  if (unfinished === 'rotation') return renamed(place, participant, [[NEXT, CURRENT]]);
  return concat(
    unfinished === 'retirement' ? storage.remove(`${folder}/${CHECKPOINT}`) : EMPTY,
    defer(() => storage.syncDirectory(folder)),
  ) as Observable<never>;
}
