import {
  catchError,
  concat,
  concatMap,
  defaultIfEmpty,
  defer,
  EMPTY,
  ignoreElements,
  Observable,
  of,
  ReplaySubject,
  switchMap,
  takeLast,
  takeUntil,
  throwError,
} from 'rxjs';
import { type LiveSegment, readersOf, segmentName } from '../../snapshots/live-segment.js';
import type { Manifest, SegmentEntry } from '../../snapshots/manifest.js';
import { mergeOf } from '../../snapshots/merge-policy.js';
import type { SegmentInfo } from '../../snapshots/segment-format.js';
import { mergeSegments } from '../../snapshots/segment-merge.js';
import { canTake } from '../../snapshots/segments/entry-sources.js';
import { withFile } from '../../snapshots/with-file.js';
import { steps } from '../../wal/steps.js';
import { isBlockGone, isGone } from '../retention.js';
import type { CheckpointedMill } from './checkpointed-mill.js';

/** After a merge that failed, so many checkpoints pass without another one, and twice as many after the next failure, up to … */
const PAUSE_MIN = 1;
const PAUSE_MAX = 256;

/**
 * Merges segments in the background, one merge at a time, as long as there is something to merge. A crash leaves a file that
 * no manifest names, or, once the manifest is durable, files that it no longer names: the next start removes either.
 */
export class Merging {
  /** How many merges were made and how many failed, since the start; and why the last one did. */
  readonly counts: { made: number; failed: number; failure: unknown } = { made: 0, failed: 0, failure: null };
  private pause = 0;
  private nextPause = PAUSE_MIN;
  private isRunning = false;
  private isStopped = false;
  private readonly stopping = new ReplaySubject<void>(1);
  private readonly waiting: (() => void)[] = [];

  constructor(
    private readonly mill: CheckpointedMill,
    /** The partition of event time by which a stream's events go; `null` where all are kept. */
    private readonly partitionOf: (stream: number) => number | null,
  ) {}

  /** Looks whether there is something to merge. A merge that fails is tried again when it is asked again. */
  look(): void {
    if (this.isRunning || this.isStopped || this.pause-- > 0) return;
    this.pause = 0;
    this.isRunning = true;
    steps(() => this.nextMerge())
      .pipe(catchError((error) => this.failed(error)))
      .subscribe({
        complete: () => {
          this.isRunning = false;
          for (const callback of this.waiting.splice(0)) callback();
        },
      });
  }

  private failed(error: unknown): Observable<never> {
    this.counts.failed++;
    this.counts.failure = error;
    this.pause = this.nextPause;
    this.nextPause = Math.min(this.nextPause * 2, PAUSE_MAX);
    return EMPTY;
  }

  private made(): Observable<never> {
    return defer(() => {
      this.counts.made++;
      this.nextPause = PAUSE_MIN;
      return EMPTY;
    });
  }

  /** Gives up a merge that runs, unless the manifest is being written already; completes when nothing runs any more. */
  stop(): Observable<never> {
    return new Observable((subscriber) => {
      this.isStopped = true;
      this.waiting.push(() => subscriber.complete());
      this.stopping.next();
      if (!this.isRunning) subscriber.complete();
    });
  }

  private nextMerge(): Observable<unknown> | null {
    const { store, catalog, manifest } = this.mill;
    if (this.isStopped) return null;
    const bounded = boundedByBuilds(manifest.current);
    for (const { id, name } of catalog.streams) {
      if (bounded.has(name)) continue;
      const segments = ofOneKind(store.of(id));
      const partition = this.partitionOf(id);
      const range = mergeOf(
        segments.map(({ entry, maxTime }) => ({
          bytes: entry.info.bytes,
          partition: partition === null ? 0 : Math.floor(maxTime / partition),
        })),
      );
      const sources = range === null ? this.mostlyGone(id) : segments.slice(range.from, range.to);
      const isAnythingKept = sources.some(({ entry }) => !isGone(entry.info, catalog.snapshot));
      if (isAnythingKept) return concat(merge(this.mill, sources, this.stopping), this.made());
    }
    return null;
  }

  /** A segment of which little is kept, written anew: one event with a wrong time would keep all others for ever. */
  private mostlyGone(stream: number): LiveSegment[] {
    const { store, catalog } = this.mill;
    const retained = catalog.retained(stream);
    if (retained === null) return [];
    const found = store.of(stream).find(({ entry: { info } }) => {
      const gone = info.blocks.filter((block) => isBlockGone(block, retained));
      return gone.length * 2 > info.blocks.length && gone.length < info.blocks.length;
    });
    return found ? [found] : [];
  }
}

/** Streams of which a version that is being built keeps old rows up to the end of a segment: that segment must not get a later end. */
function boundedByBuilds({ derived = [] }: Manifest): ReadonlySet<string> {
  return new Set(derived.flatMap(({ build }) => build?.kept ?? []).map(({ stream }) => stream));
}

/** The newest ones, as far back as the last one can take their rows: not those of an older version of a derived stream. */
function ofOneKind(segments: readonly LiveSegment[]): readonly LiveSegment[] {
  const last = segments.at(-1);
  return last === undefined
    ? []
    : segments.slice(segments.findLastIndex(({ layout }) => !canTake(last.layout, layout)) + 1);
}

/** Writes a segment with the blocks of several, and lets the manifest name it in their place. */
function merge(mill: CheckpointedMill, sources: readonly LiveSegment[], stopping: Observable<void>): Observable<never> {
  const { place, store, compute, catalog } = mill;
  const { folder } = store.place;
  return defer(() => {
    const number = store.takeNumber();
    const path = `${folder}/${segmentName(number)}`;
    const remove = () =>
      place.storage.remove(path).pipe(
        catchError(() => EMPTY),
        ignoreElements(),
      );
    const { info } = sources.at(-1)!.entry;
    const version = sources.reduce((newest, { entry }) => Math.max(newest, entry.info.version), 0);
    const layout = catalog.layout(info.stream, version);
    const retained = catalog.retained(info.stream);
    return readersOf(sources, (readers) =>
      withFile(place.storage, path, { create: true }, (file) =>
        concat(
          file.truncate(0).pipe(ignoreElements()),
          mergeSegments(readers, file, { layout, compute, isGone: (block) => isBlockGone(block, retained) }).pipe(
            concatMap((merged) => concat(file.sync().pipe(ignoreElements()), of(merged))),
          ),
        ).pipe(takeUntil(stopping)),
      ),
    ).pipe(
      // Nothing is swapped in before its file is closed: what fails until then fails before the manifest names it.
      takeLast(1),
      switchMap((merged) => concat(place.storage.syncDirectory(folder).pipe(ignoreElements()), of(merged))),
      catchError((error) =>
        concat(
          remove(),
          throwError(() => error),
        ),
      ),
      defaultIfEmpty(null),
      switchMap((merged) =>
        merged === null ? remove() : swapIn(mill, sources, { number, info: merged as SegmentInfo }, remove),
      ),
    );
  });
}

function swapIn(
  { manifest, store }: CheckpointedMill,
  sources: readonly LiveSegment[],
  merged: SegmentEntry,
  discard: () => Observable<never>,
): Observable<never> {
  const replaced = new Set(sources.map(({ entry }) => entry.number));
  // Where retention took some of them meanwhile, their rows must not come back.
  const areThere = ({ segments }: Manifest) =>
    segments.filter(({ number }) => replaced.has(number)).length === sources.length;
  let isTaken = false;
  const change = (current: Manifest): Manifest => {
    isTaken = areThere(current);
    if (!isTaken) return current;
    const at = current.segments.findIndex(({ number }) => replaced.has(number));
    const kept = current.segments.filter(({ number }) => !replaced.has(number));
    return { ...current, segments: [...kept.slice(0, at), merged, ...kept.slice(at)] };
  };
  return concat(
    manifest.update(change, (next) => store.replace(next.segments), discard).pipe(ignoreElements()),
    defer(() => (isTaken ? EMPTY : discard())),
  );
}
