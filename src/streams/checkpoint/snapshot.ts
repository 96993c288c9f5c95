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
  switchMap,
  throwError,
  toArray,
} from 'rxjs';
import { segmentName } from '../../snapshots/live-segment.js';
import type { Manifest, ManifestStream, SegmentEntry } from '../../snapshots/manifest.js';
import type { UnsavedMark } from '../../snapshots/unsaved.js';
import { writeSegment } from '../../snapshots/write-segment.js';
import { layoutsOf } from '../catalog.js';
import { isGone } from '../retention.js';
import type { CheckpointedMill } from './checkpointed-mill.js';
import type { Captured } from './rotate.js';
import {
  removeFiles,
  type SavedDerivations,
  saveStates,
  stateFailed,
  stateInForce,
  withSaved,
  withSegments,
} from './save-states.js';

/**
 * Makes what was captured durable without the log: the state of derivations, a segment of each stream that has something new, then the
 * manifest. Emits how many bytes were written. Where something cannot be written, what was written before it is removed again.
 */
export function snapshot(mill: CheckpointedMill, captured: Captured): Observable<number> {
  return saveStates(mill, captured.derived).pipe(
    switchMap((saved) => {
      const written: number[] = [];
      const discard = () => concat(removeSegments(mill, written), saved.discard());
      return concat(
        from(captured.streams).pipe(concatMap((stream) => segmentOf(mill, { captured, saved }, stream, written))),
        // Names of files are durable before a manifest names them.
        defer(() => mill.place.storage.syncDirectory(mill.store.place.folder)).pipe(ignoreElements()),
      ).pipe(
        toArray(),
        catchError((error) =>
          concat(
            discard(),
            throwError(() => error),
          ),
        ),
        switchMap((segments) => inForce(mill, { captured, saved }, segments, discard)),
        catchError((error) => {
          stateFailed(saved);
          return throwError(() => error);
        }),
      );
    }),
  );
}

/** What goes into a snapshot. */
interface Parts {
  readonly captured: Captured;
  readonly saved: SavedDerivations;
}

function segmentOf(
  { unsaved, store, compute, transport }: CheckpointedMill,
  parts: Parts,
  { id, name, versions }: ManifestStream,
  written: number[],
): Observable<SegmentEntry> {
  return defer(() => {
    const entries = markOf(parts, id, name)?.streams.get(id)?.entries ?? 0;
    const stream = unsaved.newest(id);
    if (stream === null || entries <= stream.first) return EMPTY;
    const parameters = { ...layoutsOf({ id, versions }), indexed: unsaved.isApart(id) };
    const number = store.takeNumber();
    written.push(number);
    return writeSegment(store.place, { number, parameters, entries: stream.entries(entries), compute, transport });
  });
}

/** How much of a stream is saved: of a derived one that was not, nothing. */
function markOf({ captured, saved }: Parts, id: number, name: string): UnsavedMark | null {
  if (captured.unsaved.streams.has(id)) return captured.unsaved;
  const rows = saved.captured.flatMap((derivation) => derivation.rows);
  return rows.find(({ stream }) => stream === name)?.mark ?? null;
}

/** From the moment in which the manifest is durable, readers find these events in segments and no longer in memory. */
function inForce(
  mill: CheckpointedMill,
  { captured, saved }: Parts,
  segments: readonly SegmentEntry[],
  discard: () => Observable<never>,
): Observable<number> {
  const { manifest, store, unsaved, apply } = mill;
  const { commit, nextLsn, ceiling, streams, logs } = captured;
  const change = (current: Manifest): Manifest => ({
    ...current,
    commit,
    nextLsn,
    ceiling,
    streams,
    logs,
    segments: inOrder(withSegments(current, segments, mill, saved)).filter(({ info }) => !isGone(info, streams)),
    ...withSaved(current, saved),
  });
  const bytes = segments.reduce((sum, { info }) => sum + info.bytes, saved.bytes);
  let superfluous: readonly string[] = [];
  const takeOver = (next: Manifest) => {
    store.replace(next.segments);
    unsaved.release(captured.unsaved);
    superfluous = stateInForce(mill, saved, next);
    apply.records -= captured.records;
  };
  // Retention took all of them before they were written.
  const gone = segments.filter(({ info }) => isGone(info, streams)).map(({ number }) => number);
  return concat(
    manifest.update(change, takeOver, discard).pipe(ignoreElements()),
    removeSegments(mill, gone),
    defer(() => removeFiles(mill, superfluous)),
    of(bytes),
  );
}

/** By stream; of each stream in the order of positions, which is that of the array. */
function inOrder(segments: readonly SegmentEntry[]): SegmentEntry[] {
  return segments.toSorted((a, b) => a.info.stream - b.info.stream);
}

function removeSegments({ place, store }: CheckpointedMill, numbers: readonly number[]): Observable<never> {
  return concat(
    ...numbers.map((number) =>
      defer(() => place.storage.remove(`${store.place.folder}/${segmentName(number)}`)).pipe(catchError(() => EMPTY)),
    ),
  ).pipe(ignoreElements());
}
