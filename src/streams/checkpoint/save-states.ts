import {
  catchError,
  concat,
  concatMap,
  defer,
  EMPTY,
  from,
  ignoreElements,
  type Observable,
  of,
  throwError,
} from 'rxjs';
import { MillraceError } from '../../errors.js';
import type { CapturedState } from '../../snapshots/captured-state.js';
import { STATE_DIRECTORY, stateFilesOf } from '../../snapshots/leftovers.js';
import type { Manifest, ManifestDerived, SegmentEntry } from '../../snapshots/manifest.js';
import { writeState } from '../../snapshots/write-state.js';
import { keptTo, segmentsAfter, withBuild } from '../derived/build.js';
import type { CapturedDerivation, Derivation } from '../derived/derivation.js';
import { stateContextOf } from '../derived/load.js';
import type { CheckpointedMill } from './checkpointed-mill.js';

/** What was written of derivations, before a manifest names it. */
export interface SavedDerivations {
  readonly captured: readonly CapturedDerivation[];
  readonly entries: readonly ManifestDerived[];
  /** The names of the files that there were before. */
  readonly before: readonly string[];
  /** Bytes that were written. */
  readonly bytes: number;
  /** Removes the files again. */
  discard(): Observable<never>;
}

/**
 * Writes the state of derivations, what changed of it, into files of the folder `state`. A derivation with state that cannot be written
 * is stopped, with those that read its rows, and left out: the others, and the log, go on.
 */
export function saveStates(
  mill: CheckpointedMill,
  captured: readonly CapturedDerivation[],
): Observable<SavedDerivations> {
  const { storage, directory } = mill.place;
  const folder = `${directory}/${STATE_DIRECTORY}`;
  const names: string[] = [];
  const leftOut = new Set<Derivation>();
  const discard = () => removeFiles(mill, names);
  const write = ({ derivation, states, processedTo }: CapturedDerivation): Observable<never> =>
    from(states).pipe(
      concatMap((state) => {
        const name = `${String(mill.derivations.takeFileNumber()).padStart(8, '0')}.state`;
        if (!state.isEmpty) names.push(name);
        return writeState(storage, folder, name, state, stateContextOf(mill));
      }),
      catchError((error) => {
        if (!(error instanceof MillraceError) || error.code !== 'INVALID_ARGUMENT') return throwError(() => error);
        derivation.stop(processedTo, error);
        leftOut.add(derivation);
        return EMPTY;
      }),
    );
  return concat(
    from(captured).pipe(concatMap(write)),
    defer(() => (names.length > 0 ? storage.syncDirectory(folder) : EMPTY)).pipe(ignoreElements()),
    defer(() => {
      const isWhole = ({ derivation }: CapturedDerivation): boolean => !isLeftOut(derivation, leftOut);
      const saved = captured.filter(isWhole);
      for (const one of captured) if (!isWhole(one)) failed(one.states);
      const entries = saved.map((one) => entryOf(one, mill.manifest.current));
      const files = stateFilesOf({ derived: entries });
      const bytes = files.reduce((sum, file) => (names.includes(file.name) ? sum + file.bytes : sum), 0);
      const before = stateFilesOf(mill.manifest.current).map(({ name }) => name);
      return of({ captured: saved, entries, before, bytes, discard });
    }),
  ).pipe(
    catchError((error) => {
      for (const { states } of captured) failed(states);
      return concat(
        discard(),
        throwError(() => error),
      );
    }),
  );
}

function isLeftOut(derivation: Derivation, leftOut: ReadonlySet<Derivation>): boolean {
  return leftOut.has(derivation) || derivation.upstream.some((upstream) => isLeftOut(upstream, leftOut));
}

/** Of a version that is being built and has not caught up, the entry of the one before it says how far it is. */
function entryOf(
  { derivation, processedTo, states, swaps }: CapturedDerivation,
  { derived }: Manifest,
): ManifestDerived {
  const { name, kind, version, shape, build } = derivation;
  const files = states.map((state) => ({ name: state.name, files: state.files }));
  const now = { version, shape, processedTo, states: files };
  const before = derived!.find((entry) => entry.name === name)!;
  if (build === null) return { ...before, ...now };
  const { kept, processedFrom } = build.saved;
  const built = { ...now, ...(processedFrom !== undefined && { processedFrom }) };
  if (!swaps) return withBuild(before, { ...built, kept });
  return { name, kind, ...built, ...(kept.length > 0 && { kept }) };
}

function failed(states: readonly CapturedState[]): void {
  for (const state of states) state.failed();
}

/** What a manifest says of derivations: of those that were saved as they are now, of the others as it did. */
export function withSaved({ derived }: Manifest, { entries }: SavedDerivations): Pick<Manifest, 'derived'> {
  if (derived === undefined) return {};
  const saved = new Map(entries.map((entry) => [entry.name, entry]));
  return { derived: derived.map((entry) => saved.get(entry.name) ?? entry) };
}

/** The segments of a manifest with those that were written, by which versions that were built come into force. */
export function withSegments(
  current: Manifest,
  written: readonly SegmentEntry[],
  { catalog }: CheckpointedMill,
  { captured }: SavedDerivations,
): SegmentEntry[] {
  const swapped = new Map<number, number>();
  const building = new Set<number>();
  for (const { derivation, rows, swaps } of captured) {
    if (derivation.build === null) continue;
    for (const { stream } of rows) {
      const { id } = catalog.find(stream)!;
      if (swaps) swapped.set(id, keptTo(derivation.build, stream));
      else building.add(id);
    }
  }
  const marked = written.map((entry) => (building.has(entry.info.stream) ? { ...entry, build: true as const } : entry));
  return [...segmentsAfter(current, swapped, new Set()), ...marked];
}

/** The manifest that names it is durable. Gives the files that only the one before named. */
export function stateInForce(mill: CheckpointedMill, { captured, before }: SavedDerivations, now: Manifest): string[] {
  for (const { derivation, states, rows, swaps } of captured) {
    for (const state of states) state.succeeded();
    if (swaps) derivation.swapped();
    for (const { stream, mark } of rows) mill.unsaved.apartOf(mill.catalog.find(stream)!.id).release(mark);
  }
  const named = new Set(stateFilesOf(now).map(({ name }) => name));
  return before.filter((name) => !named.has(name));
}

export function stateFailed({ captured }: SavedDerivations): void {
  for (const { states } of captured) failed(states);
}

/** Removes files of states; those that stay belong to nobody, and go with the next start. */
export function removeFiles({ place }: CheckpointedMill, names: readonly string[]): Observable<never> {
  const { storage, directory } = place;
  return from(names).pipe(
    concatMap((name) =>
      defer(() => storage.remove(`${directory}/${STATE_DIRECTORY}/${name}`)).pipe(catchError(() => EMPTY)),
    ),
    ignoreElements(),
  );
}
