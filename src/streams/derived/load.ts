import { concat, concatMap, defer, EMPTY, from, ignoreElements, type Observable, type SchedulerLike } from 'rxjs';
import { STATE_DIRECTORY } from '../../snapshots/leftovers.js';
import { restoreState } from '../../snapshots/load-state.js';
import type { Manifest, ManifestDerived } from '../../snapshots/manifest.js';
import type { ManifestKeeper } from '../../snapshots/manifest-keeper.js';
import type { LogPlace } from '../../wal/rotation.js';
import type { HistoryContext } from '../history/stream-history.js';
import type { Derivation } from './derivation.js';
import type { DerivedStream } from './derived-stream.js';
import { otherKind, shapeChanged } from './misuse.js';
import type { PipelineStream } from './pipeline.js';
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

function entryOf({ name }: Derivation, { derived = [] }: Manifest): ManifestDerived | undefined {
  return derived.find((entry) => entry.name === name);
}

/** Whether a declaration is the one that was saved. @throws SchemaError `SCHEMA_CHANGED` */
export function assertSame(derivation: Derivation, manifest: Manifest): void {
  const { name, kind, shape } = derivation;
  const entry = entryOf(derivation, manifest);
  if (entry === undefined) {
    const known = manifest.streams.some((stream) => stream.name === name);
    if (known) throw otherKind(name, 'a stream that events are appended to', `a derived ${kind}`);
    return;
  }
  if (entry.kind !== kind) throw otherKind(name, `a derived ${entry.kind}`, `a derived ${kind}`);
  if (entry.shape.length !== shape.length || entry.shape.some((part, at) => part !== shape[at]))
    throw shapeChanged(name, entry.shape, shape);
}

/** A derivation with how it was declared. */
export type Running = DeclaredDerivation & { readonly derivation: Derivation };

/** Loads what was saved of it. */
export function load({ derivation, processesHistory }: Running, mill: DerivingMill): Observable<never> {
  const { place, manifest, apply } = mill;
  const context = { hash: place.hash, databaseId: Buffer.from(manifest.current.databaseId, 'hex') };
  const entry = entryOf(derivation, manifest.current);
  const folder = `${place.directory}/${STATE_DIRECTORY}`;
  return concat(
    from(derivation.states).pipe(
      concatMap((state) => {
        const files = entry?.states.find(({ name }) => name === state.name)?.files ?? [];
        return files.length === 0 ? EMPTY : restoreState(place.storage, folder, files, state, context);
      }),
    ),
    defer(() => {
      derivation.loaded(entry?.processedTo ?? (processesHistory ? 0 : apply.nextLsn));
      return EMPTY;
    }),
  );
}

/** A new one is in the manifest before it does anything: from then on its place in the log is known. */
export function announce(running: readonly Running[], { place, manifest }: DerivingMill): Observable<never> {
  const isNew = ({ derivation }: Running) => entryOf(derivation, manifest.current) === undefined;
  const added = running.filter(isNew).map(({ derivation: { name, kind, shape, processedTo } }) => {
    return { name, kind, version: 1, shape, processedTo, states: [] } satisfies ManifestDerived;
  });
  if (added.length === 0) return EMPTY;
  const { storage, directory } = place;
  const change = (current: Manifest): Manifest => ({ ...current, derived: [...(current.derived ?? []), ...added] });
  return concat(
    storage.makeDirectory(`${directory}/${STATE_DIRECTORY}`),
    defer(() => storage.syncDirectory(directory)),
    manifest.update(
      change,
      () => {},
      () => EMPTY,
    ),
  ).pipe(ignoreElements());
}
