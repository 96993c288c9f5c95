import { concat, concatMap, defer, EMPTY, from, ignoreElements, type Observable, type SchedulerLike } from 'rxjs';
import { STATE_DIRECTORY } from '../../snapshots/leftovers.js';
import { restoreState } from '../../snapshots/load-state.js';
import type { Manifest, ManifestDerived, ManifestState } from '../../snapshots/manifest.js';
import type { ManifestKeeper } from '../../snapshots/manifest-keeper.js';
import type { StateFileContext } from '../../snapshots/state-file.js';
import type { LogPlace } from '../../wal/rotation.js';
import type { HistoryContext } from '../history/stream-history.js';
import { buildOf, segmentsAfter, withBuild } from './build.js';
import type { Derivation } from './derivation.js';
import { DerivedStream } from './derived-stream.js';
import { olderVersion, otherKind, shapeChanged } from './misuse.js';
import type { AnyState } from './pipeline.js';
import type { PipelineStream } from './pipeline-inputs.js';
import { DEAD_SUFFIX, LATE_SUFFIX } from './side-streams.js';
import type { Table } from './table.js';

// biome-ignore lint/suspicious/noExplicitAny: of rows of any type
export type AnyDerivedStream = DerivedStream<any>;
// biome-ignore lint/suspicious/noExplicitAny: of rows of any type
export type AnyDerived = AnyDerivedStream | Table<any>;

/** A derived stream or table as it was declared. */
export interface DeclaredDerivation {
  readonly name: string;
  readonly rows: Observable<unknown>;
  readonly target: AnyDerived;
  readonly version: number;
  /** The key columns of a table. */
  readonly key: readonly string[];
  /** Whether a new one begins with what is in history. */
  readonly processesHistory: boolean;
}

/** The internal stream of ticks. */
export interface TicksStream extends PipelineStream {
  append(tick: { readonly ts: number }): Promise<unknown>;
}

export function noTicks(): never {
  throw new Error('There is no stream of ticks.');
}

/** What derivations need of their mill. */
export interface DerivingMill extends HistoryContext {
  readonly place: LogPlace;
  readonly manifest: ManifestKeeper;
  readonly scheduler: SchedulerLike;
  /** Whether memory is full of what waits for a checkpoint. */
  readonly isFull: () => boolean;
  readonly checkpointing: { request(): Observable<unknown> };
}

/** Whether there is nothing for it in segments that it has not processed. */
export function missesOnlyLog({ inputs, upstream, processedTo }: Derivation, mill: DerivingMill): boolean {
  const { store, catalog } = mill;
  const isInSegments = inputs.some(({ name }) => {
    const last = store.of(catalog.find(name)!.id).at(-1);
    return last !== undefined && last.lastLsn >= processedTo;
  });
  return !isInSegments && upstream.every((derivation) => missesOnlyLog(derivation, mill));
}

/** What a manifest has of it. */
export function entryOf({ name }: Pick<Derivation, 'name'>, { derived = [] }: Manifest): ManifestDerived | undefined {
  return derived.find((entry) => entry.name === name);
}

/** Whether a declaration is the one that was saved. @throws SchemaError `SCHEMA_CHANGED` */
export function assertSame(derivation: Derivation, manifest: Manifest): void {
  const { name, kind, shape, version } = derivation;
  const entry = entryOf(derivation, manifest);
  if (entry === undefined) {
    const known = manifest.streams.some((stream) => stream.name === name);
    if (known) throw otherKind(name, 'a stream that events are appended to', `a derived ${kind}`);
    return;
  }
  if (entry.kind !== kind) throw otherKind(name, `a derived ${entry.kind}`, `a derived ${kind}`);
  if (entry.version > version) throw olderVersion(name, entry.version, version);
  if (entry.version < version) return;
  if (entry.shape.length !== shape.length || entry.shape.some((part, at) => part !== shape[at]))
    throw shapeChanged(name, entry.shape, shape, version);
}

/** A derivation with how it was declared. */
export type Running = DeclaredDerivation & { readonly derivation: Derivation };

/** Finds where it begins: where the manifest says, or, of a new version, where its build stands. */
export function begin(running: Running, mill: DerivingMill): void {
  const { derivation, processesHistory } = running;
  const entry = entryOf(derivation, mill.manifest.current);
  derivation.build = buildOf(derivation, outputsOf(running), entry, processesHistory, mill);
}

/** The names of the streams with its rows. */
function outputsOf({ name, target }: Running): string[] {
  const own = target instanceof DerivedStream ? [name] : [];
  return [...own, ...[target.late, target.deadLetters].flatMap((side) => side?.name ?? [])];
}

/** What files of state depend on. */
export function stateContextOf({ place, manifest }: Pick<DerivingMill, 'place' | 'manifest'>): StateFileContext {
  return { hash: place.hash, databaseId: Buffer.from(manifest.current.databaseId, 'hex') };
}

/** Loads what was saved of it. */
export function load({ derivation, processesHistory, target }: Running, mill: DerivingMill): Observable<never> {
  const { place, manifest, apply } = mill;
  const context = stateContextOf(mill);
  const { build } = derivation;
  const entry = entryOf(derivation, manifest.current);
  const folder = `${place.directory}/${STATE_DIRECTORY}`;
  const restore = (state: AnyState, states: readonly ManifestState[] = []): Observable<never> => {
    const files = states.find(({ name }) => name === state.name)?.files ?? [];
    return files.length === 0 ? EMPTY : restoreState(place.storage, folder, files, state, context);
  };
  const saved = build?.saved ?? entry;
  return concat(
    from(derivation.states).pipe(concatMap((state) => restore(state, saved?.states))),
    defer(() => {
      const before = build === null || target instanceof DerivedStream ? null : target.rowsBefore();
      return before === null ? EMPTY : restore(before, entry?.states);
    }),
    defer(() => {
      derivation.loaded(saved?.processedTo ?? (processesHistory ? 0 : apply.nextLsn));
      return EMPTY;
    }),
  );
}

/**
 * What is new is in the manifest before it does anything: from then on its place in the log is known. So is a version that begins to be
 * built, and one that is given up, as the one before it is declared again.
 */
export function announce(running: readonly Running[], mill: DerivingMill): Observable<never> {
  const { place, manifest, catalog, store } = mill;
  const changed = running.flatMap((one) => {
    const { derivation } = one;
    const entry = entryOf(derivation, manifest.current);
    const build = derivation.build?.saved ?? null;
    if (entry === undefined) return [newEntry(one)];
    return (entry.build ?? null) === build ? [] : [withBuild(entry, build)];
  });
  if (changed.length === 0) return EMPTY;
  const { storage, directory } = place;
  const names = new Set(changed.map(({ name }) => name));
  // What was built of them before, if anything, is of no use.
  const givenUp = [...names].flatMap((name) => [name, name + LATE_SUFFIX, name + DEAD_SUFFIX]);
  const change = (current: Manifest): Manifest => ({
    ...current,
    derived: [...(current.derived ?? []).filter(({ name }) => !names.has(name)), ...changed],
    segments: segmentsAfter(current, new Map(), new Set(givenUp.flatMap((name) => catalog.find(name)?.id ?? []))),
  });
  return concat(
    storage.makeDirectory(`${directory}/${STATE_DIRECTORY}`),
    defer(() => storage.syncDirectory(directory)),
    manifest.update(
      change,
      ({ segments }) => store.replace(segments),
      () => EMPTY,
    ),
  ).pipe(ignoreElements());
}

function newEntry({ derivation, processesHistory }: Running): ManifestDerived {
  const { name, kind, version, shape, processedTo } = derivation;
  const from = processesHistory ? {} : { processedFrom: processedTo };
  return { name, kind, version, shape, processedTo, ...from, states: [] };
}
