import { catchError, concat, defer, EMPTY, ignoreElements, Observable, throwError } from 'rxjs';
import type { StorageLock } from '../storage/storage.js';
import type { LogSet } from '../wal/log-set.js';
import type { Upkeep } from '../wal/upkeep.js';
import type { LogWriter } from '../wal/writer.js';

export interface ClosingMill {
  readonly writer: LogWriter;
  readonly upkeep: Upkeep;
  readonly logs: LogSet;
  readonly lock: StorageLock;
}

/**
 * Closes a mill, as its steps: wait for what was appended; let readers go; make the log durable; write the closed mark;
 * close the files; free the lock. A crash before the mark is durable leaves a log that is recovered like after any
 * crash. Where a step fails, the files are closed and the lock is free all the same, and the error says why.
 */
export function closeMill({ writer, upkeep, logs, lock }: ClosingMill, endReading: () => void): Observable<never> {
  const marked = concat(
    idle(writer),
    defer(() => {
      upkeep.stop();
      endReading();
      return writer.failure ? throwError(() => writer.failure) : EMPTY;
    }),
    // Clean files do not say it: a sync of them may be under way, and the mark would not vouch for what it covers.
    defer(() => (logs.durable < writer.lastCommit ? logs.sync(writer.lastCommit) : EMPTY)),
    closedMark(writer),
  );
  const released = releaseMill({ logs, lock });
  return concat(
    marked.pipe(
      catchError((error) => {
        upkeep.stop();
        return concat(
          released,
          throwError(() => error),
        );
      }),
    ),
    released,
  );
}

/** Closes the files and frees the lock, without a word in the log. The lock also where a file cannot be closed. */
export function releaseMill({ logs, lock }: Pick<ClosingMill, 'logs' | 'lock'>): Observable<never> {
  const freed = lock.release().pipe(ignoreElements());
  return concat(
    logs.close().pipe(
      catchError((error) =>
        concat(
          freed,
          throwError(() => error),
        ),
      ),
    ),
    freed,
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
