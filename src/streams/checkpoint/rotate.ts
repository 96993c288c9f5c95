import { catchError, concat, defer, EMPTY, Observable, switchMap, throwError } from 'rxjs';
import { describe } from '../../errors.js';
import type { ManifestStream } from '../../snapshots/manifest.js';
import type { UnsavedMark } from '../../snapshots/unsaved.js';
import { poisonedBy, unknownOutcome } from '../../wal/failures.js';
import type { LogFile } from '../../wal/log-file.js';
import { rotateNames, undoRotation } from '../../wal/rotation.js';
import type { CapturedDerivation } from '../derived/derivation.js';
import type { CheckpointedMill } from './checkpointed-mill.js';

/** The mill as it was between two commits: what a snapshot will hold. */
export interface Captured {
  readonly commit: number;
  readonly nextLsn: number;
  readonly ceiling: number;
  readonly streams: readonly ManifestStream[];
  readonly unsaved: UnsavedMark;
  readonly derived: readonly CapturedDerivation[];
  readonly records: number;
  /** The number of the first log file that is needed after it, for each participant. */
  readonly logs: readonly number[];
  /** Bytes of frames in the files that it makes superfluous. */
  readonly logBytes: number;
}

/**
 * Lets commits go to new log files, and takes what there is at that moment. Where the files before are still there, because
 * a checkpoint failed, commits stay in the current ones: a snapshot of everything makes the older ones superfluous all the same.
 */
export function rotate(mill: CheckpointedMill): Observable<Captured> {
  const { logs, nextFiles, writer } = mill;
  return defer(() => {
    if (writer.failure) return throwError(() => poisonedBy(writer.failure!));
    if (logs.checkpointFiles.length > 0) return betweenCommits(mill, EMPTY);
    return nextFiles.ready().pipe(
      switchMap((next) =>
        concat(
          // Most of what is not synced yet is synced while commits go on.
          defer(() => synced(mill)),
          betweenCommits(mill, switchFiles(mill, next)),
        ),
      ),
    );
  });
}

/** Runs something while no commit is written or applied, and captures the mill then. Appends fill the next commit meanwhile. */
function betweenCommits(mill: CheckpointedMill, work: Observable<never>): Observable<Captured> {
  const { writer } = mill;
  return new Observable((subscriber) => {
    let captured: Captured | null = null;
    const end = (then: () => void) => {
      writer.resume();
      then();
    };
    writer.pause(() => {
      const checked = defer(() => (writer.failure ? throwError(() => poisonedBy(writer.failure!)) : EMPTY));
      concat(
        checked,
        defer(() => synced(mill)),
        work,
      ).subscribe({
        error: (error) => end(() => subscriber.error(error)),
        complete: () => {
          captured = capture(mill);
          end(() => {
            subscriber.next(captured!);
            subscriber.complete();
          });
        },
      });
    });
  });
}

/** A failed sync ends the writing for good, whoever asked for it. */
function synced({ logs, writer }: CheckpointedMill): Observable<never> {
  if (logs.durable >= writer.lastCommit && !logs.isDirty) return EMPTY;
  return logs.sync(writer.lastCommit).pipe(
    catchError((error) => {
      writer.poison(error);
      return throwError(() => error);
    }),
  );
}

function switchFiles({ logs, place, nextFiles, writer, logSize }: CheckpointedMill, next: readonly LogFile[]) {
  const participants = next.map(({ participant }) => participant);
  return concat(
    rotateNames(place, participants).pipe(
      catchError((error) =>
        concat(
          undoRotation(place, participants).pipe(
            catchError((failure) => {
              const what = `The log files could not be renamed (${describe(error)}), nor could that be undone (${describe(failure)}).`;
              const poison = unknownOutcome(writer.lastCommit, what, failure);
              writer.poison(poison);
              return throwError(() => poison);
            }),
          ),
          throwError(() => error),
        ),
      ),
    ),
    defer(() => {
      logSize.rotated(logs.files, writer.metrics.commits);
      nextFiles.taken();
      logs.rotate(next);
      return EMPTY;
    }),
  );
}

function capture({ writer, apply, catalog, unsaved, derivations, logs }: CheckpointedMill): Captured {
  return {
    commit: writer.lastCommit,
    nextLsn: writer.nextLsn,
    ceiling: writer.ceiling,
    streams: catalog.snapshot,
    unsaved: unsaved.mark(),
    derived: derivations.capture(),
    records: apply.records,
    logs: logs.files.map(({ header }) => header.fileNumber),
    logBytes: logs.checkpointFiles.reduce((sum, { end }) => sum + end, 0),
  };
}
