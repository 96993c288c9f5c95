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
  tap,
  throwError,
  toArray,
} from 'rxjs';
import { MillraceError } from '../errors.js';
import { type FoundManifest, type Manifest, readManifest, writeManifest } from '../snapshots/manifest.js';
import type { StorageLock } from '../storage/storage.js';
import type { Commit } from '../wal/commit.js';
import { type Hash, loadHash } from '../wal/hash.js';
import { type LogFile, logDirectory, openLogFile } from '../wal/log-file.js';
import { LogIndex } from '../wal/log-index.js';
import { LogSet } from '../wal/log-set.js';
import { type LogRecovery, recoverLog } from '../wal/recovery.js';
import { replayLog } from '../wal/replay.js';
import { settleAll } from '../wal/settle-all.js';
import { Apply } from './apply.js';
import { Catalog } from './catalog.js';
import { assertMillOrEmpty, createMill, LOCK, participantsOf } from './create.js';
import type { ResolvedOptions } from './options.js';

/** A mill whose log was recovered and replayed, before anything new is written. */
export interface RecoveredMill {
  readonly hash: Hash;
  readonly lock: StorageLock;
  readonly manifest: Manifest;
  readonly logs: LogSet;
  readonly catalog: Catalog;
  readonly apply: Apply;
  readonly log: LogRecovery;
}

/**
 * Opens a mill's directory, as its steps: lock; manifest, or a new mill; log files; recovery of the log; replay into
 * the same apply that live commits take. After an error everything that was opened is closed again and the lock is free.
 */
export function openMill(directory: string, options: ResolvedOptions): Observable<RecoveredMill> {
  const { storage } = options;
  return concat(
    assertMillOrEmpty(storage, directory),
    defer(() => storage.makeDirectory(directory)).pipe(ignoreElements()),
    loadHash(),
  ).pipe(
    switchMap((hash) =>
      storage.lock(`${directory}/${LOCK}`).pipe(
        switchMap((lock) => {
          if (lock === null) return throwError(() => locked(directory));
          const opened: LogFile[] = [];
          return defer(() => openLocked(directory, options, hash, lock, opened)).pipe(
            catchError((error) =>
              concat(
                giveUp(opened, lock),
                throwError(() => error),
              ),
            ),
          );
        }),
      ),
    ),
  );
}

function openLocked(
  directory: string,
  options: ResolvedOptions,
  hash: Hash,
  lock: StorageLock,
  opened: LogFile[],
): Observable<RecoveredMill> {
  return findOrCreate(directory, options, hash).pipe(
    switchMap(({ manifest, isWhole }) => {
      assertVGroups(directory, manifest, options.vgroups);
      return openLogs(directory, options, manifest, hash, opened).pipe(
        switchMap((files) =>
          recoverLog(options.storage, directory, files, manifest, hash).pipe(
            switchMap((log) => {
              const logs = new LogSet(files, log.commit, new LogIndex(files, manifest));
              const catalog = new Catalog();
              const apply = new Apply(catalog, manifest);
              const replay = (commit: Commit) => apply.replay(commit);
              return concat(
                // Only now: a mill that is refused is left as it was.
                isWhole ? EMPTY : writeManifest(options.storage, directory, manifest, hash),
                replayLog(logs, manifest, hash, replay),
                of({ hash, lock, manifest, logs, catalog, apply, log }),
              );
            }),
          ),
        ),
      );
    }),
  );
}

function findOrCreate(directory: string, options: ResolvedOptions, hash: Hash): Observable<FoundManifest> {
  const { storage, random, vgroups, logFileBytes } = options;
  return readManifest(storage, directory, hash).pipe(
    switchMap((found) => {
      if (found !== null) return of(found);
      const mill = { databaseId: random.bytes(16), vgroups: vgroups ?? 1, logFileBytes };
      return createMill(storage, directory, mill, hash).pipe(map((manifest) => ({ manifest, isWhole: true })));
    }),
  );
}

function openLogs(
  directory: string,
  options: ResolvedOptions,
  manifest: Manifest,
  hash: Hash,
  opened: LogFile[],
): Observable<LogFile[]> {
  const databaseId = Buffer.from(manifest.databaseId, 'hex');
  // One after the other: where one cannot be opened, no other is still on its way.
  return concat(
    ...participantsOf(manifest.vgroups).map((participant) =>
      openLogFile(options.storage, `${directory}/${logDirectory(participant)}`, { databaseId, participant }, hash),
    ),
  ).pipe(
    tap((file) => opened.push(file)),
    toArray(),
  );
}

function giveUp(opened: readonly LogFile[], lock: StorageLock): Observable<never> {
  return concat(
    settleAll(opened.map((file) => file.file.close())).pipe(catchError(() => EMPTY)),
    lock.release().pipe(catchError(() => EMPTY)),
  ).pipe(ignoreElements());
}

function assertVGroups(directory: string, manifest: Manifest, wanted: number | undefined): void {
  if (wanted === undefined || wanted === manifest.vgroups) return;
  const message = `The mill in ${directory} was created with ${manifest.vgroups} VGroup${manifest.vgroups === 1 ? '' : 's'}; their number is fixed. Leave the option vgroups out, or give ${manifest.vgroups}.`;
  throw new MillraceError('INVALID_OPTION', message, { path: directory });
}

function locked(directory: string): MillraceError {
  const message = `The mill in ${directory} is open already, in this process or another. One process at a time holds a mill: close it there first.`;
  return new MillraceError('LOCKED', message, { path: directory });
}
