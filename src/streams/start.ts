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
} from 'rxjs';
import { MillraceError } from '../errors.js';
import { removeLeftovers, SEGMENTS_DIRECTORY } from '../snapshots/leftovers.js';
import { type FoundManifest, type Manifest, readManifest, writeManifest } from '../snapshots/manifest.js';
import { ManifestKeeper } from '../snapshots/manifest-keeper.js';
import { SegmentStore } from '../snapshots/segment-store.js';
import { UnsavedEvents } from '../snapshots/unsaved.js';
import type { StorageLock } from '../storage/storage.js';
import { type Hash, loadHash } from '../wal/hash.js';
import type { LogFile, LogFileIdentity } from '../wal/log-file.js';
import { LogSet } from '../wal/log-set.js';
import { finishNames, openLogs, type ParticipantLog } from '../wal/open-logs.js';
import { type LogRecovery, recoverLog } from '../wal/recovery.js';
import { replayLog } from '../wal/replay.js';
import type { LogPlace } from '../wal/rotation.js';
import { settleAll } from '../wal/settle-all.js';
import { Apply } from './apply.js';
import { Catalog } from './catalog.js';
import { assertMillOrEmpty, createMill, LOCK, participantsOf } from './create.js';
import { Derivations } from './derived/derivations.js';
import type { DeclaredDerivation, TicksStream } from './derived/load.js';
import type { ResolvedOptions } from './options.js';

/** A mill whose log was recovered and replayed, before anything new is written. */
export interface RecoveredMill {
  readonly place: LogPlace;
  readonly hash: Hash;
  readonly lock: StorageLock;
  readonly manifest: ManifestKeeper;
  readonly store: SegmentStore;
  readonly logs: LogSet;
  readonly catalog: Catalog;
  readonly unsaved: UnsavedEvents;
  readonly apply: Apply;
  readonly derivations: Derivations;
  readonly log: LogRecovery;
}

/**
 * Opens a mill's directory, as its steps: lock; manifest, or a new mill; segments; log files; recovery of the log; replay
 * into the same apply that live commits take. After an error everything that was opened is closed again and the lock is free.
 */
export function openMill(
  directory: string,
  options: ResolvedOptions,
  declared: Declared = { derivations: [] },
): Observable<RecoveredMill> {
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
          const opening: Opening = { logFiles: [], store: null };
          return defer(() => openLocked({ storage, directory, hash }, { options, declared }, lock, opening)).pipe(
            catchError((error) =>
              concat(
                giveUp(opening, lock),
                throwError(() => error),
              ),
            ),
          );
        }),
      ),
    ),
  );
}

/** What is to be opened. */
interface Wanted {
  readonly options: ResolvedOptions;
  readonly declared: Declared;
}

/** What was declared that is derived. */
export interface Declared {
  readonly derivations: readonly DeclaredDerivation[];
  readonly ticks?: () => TicksStream;
}

/** What was opened so far, to be closed where the start fails. */
interface Opening {
  readonly logFiles: LogFile[];
  store: SegmentStore | null;
}

function openLocked(
  place: LogPlace,
  { options, declared }: Wanted,
  lock: StorageLock,
  opening: Opening,
): Observable<RecoveredMill> {
  const { storage, directory, hash } = place;
  return findOrCreate(place, options).pipe(
    switchMap(({ manifest, isWhole }) => {
      assertVGroups(directory, manifest, options.vgroups);
      const derivations = new Derivations(declared.derivations, manifest, declared.ticks);
      const catalog = new Catalog(manifest.streams);
      const segmentPlace = { storage, folder: `${directory}/${SEGMENTS_DIRECTORY}`, hash };
      const store = new SegmentStore(segmentPlace, (id, version) => catalog.layout(id, version), manifest.segments);
      opening.store = store;
      const finish = (logs: readonly ParticipantLog[], log: LogRecovery) => {
        const mill = recovered({ place, hash, lock, store, catalog, derivations, log }, manifest, logs);
        return concat(
          // Only now: a mill that is refused is left as it was. The manifest before any file goes that only an older one needs:
          // the name of the newest copy may be in the page cache only.
          isWhole ? EMPTY : writeManifest(storage, directory, manifest, hash),
          finishNames(place, logs),
          removeLeftovers(storage, directory, manifest),
          replayLog(logs, manifest, hash, (commit) => mill.apply.replay(commit)),
          of(mill),
        );
      };
      return concat(
        store.check(),
        defer(() => openLogs(place, logsOf(manifest), opening.logFiles)),
      ).pipe(
        switchMap((logs) =>
          recoverLog(storage, directory, logs, manifest, hash).pipe(switchMap((log) => finish(logs, log))),
        ),
      );
    }),
  );
}

function recovered(
  parts: Pick<RecoveredMill, 'place' | 'hash' | 'lock' | 'store' | 'catalog' | 'derivations' | 'log'>,
  manifest: Manifest,
  logs: readonly ParticipantLog[],
): RecoveredMill {
  const unsaved = new UnsavedEvents();
  const current = logs.map(({ files }) => files.at(-1)!);
  const before = logs.flatMap(({ files }) => files.slice(0, -1));
  return {
    ...parts,
    manifest: new ManifestKeeper(parts.place, manifest),
    logs: new LogSet(current, parts.log.commit, before),
    unsaved,
    apply: new Apply(parts.catalog, unsaved, manifest, parts.derivations.turns),
  };
}

/** The log files that must be there, of each participant the first one. */
export function logsOf({ databaseId, vgroups, logs }: Manifest): LogFileIdentity[] {
  const id = Buffer.from(databaseId, 'hex');
  return participantsOf(vgroups).map((participant, at) => ({ databaseId: id, participant, fileNumber: logs[at]! }));
}

function findOrCreate({ storage, directory, hash }: LogPlace, options: ResolvedOptions): Observable<FoundManifest> {
  const { random, vgroups, logFileBytes } = options;
  return readManifest(storage, directory, hash).pipe(
    switchMap((found) => {
      if (found !== null) return of(found);
      const mill = { databaseId: random.bytes(16), vgroups: vgroups ?? 1, logFileBytes };
      return createMill(storage, directory, mill, hash).pipe(map((manifest) => ({ manifest, isWhole: true })));
    }),
  );
}

function giveUp({ logFiles, store }: Opening, lock: StorageLock): Observable<never> {
  return concat(
    settleAll(logFiles.map((file) => file.file.close())).pipe(catchError(() => EMPTY)),
    store ? store.close().pipe(catchError(() => EMPTY)) : EMPTY,
    lock.release().pipe(catchError(() => EMPTY)),
  ).pipe(ignoreElements());
}

function assertVGroups(directory: string, manifest: Manifest, wanted: number | undefined): void {
  if (wanted === undefined || wanted === manifest.vgroups) return;
  const message = `The mill in ${directory} was created with ${manifest.vgroups} VGroup${manifest.vgroups === 1 ? '' : 's'}; their number is fixed. Leave the option vgroups out, or give ${manifest.vgroups}.`;
  throw new MillraceError('INVALID_OPTION', message, { path: directory });
}

export function locked(directory: string): MillraceError {
  const message = `The mill in ${directory} is open already, in this process or another. One process at a time holds a mill: close it there first.`;
  return new MillraceError('LOCKED', message, { path: directory });
}
