import { catchError, concat, defer, EMPTY, ignoreElements, map, type Observable, of, reduce, switchMap } from 'rxjs';
import type { Storage } from '../storage/storage.js';
import { segmentName } from './live-segment.js';
import type { Manifest } from './manifest.js';
import { OWN_STATE } from './manifest-fault.js';
import type { StateFile } from './state-file.js';

/** The folder of segments, inside the mill's. */
export const SEGMENTS_DIRECTORY = 'segments';

/** The folder of operators' state; made when there is some. */
export const STATE_DIRECTORY = 'state';

const OWN_SEGMENT = /^\d{8,}\.arrow$/;
const OWN_TEMPORARY = /^manifest-[ab]\.json\.tmp$/;

/** Removes what a crash left that belongs to nobody. What cannot be removed stays for the next start. */
export function removeLeftovers(storage: Storage, directory: string, manifest: Manifest): Observable<never> {
  return leftoversIn(storage, directory, manifest).pipe(
    switchMap((paths) =>
      concat(...paths.map((path) => defer(() => storage.remove(path)).pipe(catchError(() => EMPTY)))),
    ),
    ignoreElements(),
  );
}

/** The paths of segments that no manifest names, and of manifests that were not finished: only names that millrace gives. */
export function leftoversIn(storage: Storage, directory: string, manifest: Manifest): Observable<readonly string[]> {
  const named = new Set(manifest.segments.map(({ number }) => segmentName(number)));
  const segments = `${directory}/${SEGMENTS_DIRECTORY}`;
  const states = new Set(stateFilesOf(manifest).map(({ name }) => name));
  return concat(
    pathsWhere(storage, `${directory}/${STATE_DIRECTORY}`, (name) => OWN_STATE.test(name) && !states.has(name)),
    pathsWhere(storage, segments, (name) => OWN_SEGMENT.test(name) && !named.has(name)),
    pathsWhere(storage, directory, (name) => OWN_TEMPORARY.test(name)),
  ).pipe(reduce((all, some) => [...all, ...some]));
}

/** The files of all operators' states. */
export function stateFilesOf({ derived = [] }: Pick<Manifest, 'derived'>): readonly StateFile[] {
  return derived.flatMap(({ states, build }) => [...states, ...(build?.states ?? [])].flatMap(({ files }) => files));
}

function pathsWhere(
  storage: Storage,
  folder: string,
  isLeft: (name: string) => boolean,
): Observable<readonly string[]> {
  return storage.list(folder).pipe(
    catchError(() => of([])),
    map((names) => names.filter(isLeft).map((name) => `${folder}/${name}`)),
  );
}
