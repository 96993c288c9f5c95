import { catchError, concat, defer, EMPTY, ignoreElements, Observable, throwError } from 'rxjs';
import { BackgroundCompute } from '../snapshots/background-compute.js';
import type { LogWriter } from '../wal/writer.js';
import type { LiveMill } from './live.js';

export type ClosingMill = Pick<
  LiveMill,
  'writer' | 'upkeep' | 'logs' | 'lock' | 'checkpointing' | 'store' | 'compute' | 'derivations'
>;

/**
 * Closes a mill, as its steps: wait for what was appended; let readers go; take a checkpoint, so that the next start replays
 * nothing; make the log durable; write the closed mark; close the files; free the lock. A crash before the mark is durable
 * leaves a log that is recovered like after any crash. Where a step fails, the files are closed and the lock is free all
 * the same, and the error says why; a failed checkpoint is no reason not to make the log durable.
 */
export function closeMill(mill: ClosingMill, endReading: () => void): Observable<never> {
  const { writer, upkeep, logs, checkpointing, derivations } = mill;
  let failure: unknown = null;
  const keep = catchError<never, Observable<never>>((error) => {
    failure ??= error;
    return EMPTY;
  });
  return concat(
    concat(
      defer(() => {
        checkpointing.letAllIn();
        return idle(writer);
      }),
      defer(() => {
        upkeep.stop();
        derivations.stop();
        endReading();
        return writer.failure ? throwError(() => writer.failure) : checkpointing.close();
      }).pipe(keep),
      defer(() => (writer.failure ? EMPTY : marked(writer, logs))),
    ).pipe(keep),
    defer(() => {
      upkeep.stop();
      return releaseMill(mill).pipe(keep);
    }),
    defer(() => (failure ? throwError(() => failure) : EMPTY)),
  );
}

/** Makes the log durable, and says so in it. */
function marked(writer: LogWriter, logs: ClosingMill['logs']): Observable<never> {
  return concat(
    // Clean files do not say it: a sync of them may be under way, and the mark would not vouch for what it covers.
    defer(() => (logs.durable < writer.lastCommit ? logs.sync(writer.lastCommit) : EMPTY)),
    defer(() => closedMark(writer)),
  );
}

/** Ends what goes on, closes the files and frees the lock, without a word in the log. The lock also where a file cannot be closed. */
export function releaseMill(
  mill: Pick<ClosingMill, 'logs' | 'lock' | 'checkpointing' | 'store' | 'compute' | 'derivations'>,
): Observable<never> {
  const { logs, lock, checkpointing, store, compute, derivations } = mill;
  derivations.close();
  let failure: unknown = null;
  const each = [
    checkpointing.stop(),
    compute instanceof BackgroundCompute ? compute.close() : EMPTY,
    store.close(),
    logs.close(),
    lock.release().pipe(ignoreElements()),
  ];
  return concat(
    ...each.map((step) =>
      step.pipe(
        catchError((error) => {
          failure ??= error;
          return EMPTY;
        }),
      ),
    ),
    defer(() => (failure ? throwError(() => failure) : EMPTY)),
  );
}

function idle(writer: LogWriter): Observable<never> {
  return new Observable((subscriber) => writer.whenIdle(() => subscriber.complete()));
}

function closedMark(writer: LogWriter): Observable<never> {
  return new Observable((subscriber) =>
    writer.close({ committed: () => subscriber.complete(), failed: (error) => subscriber.error(error) }),
  );
}
