import { type Observable, tap } from 'rxjs';
import { atLsn, isBefore, type RowPosition } from '../../snapshots/row-position.js';
import type { Filter } from './filter.js';
import { consecutive } from './load.js';
import { hasCorrections, REVISION, type Revisions } from './revisions.js';
import { type LoadedRange, Scan, type ScannedStream } from './scan.js';
import type { Slices } from './slices.js';

/** What is looked through. */
export interface RevisedRows {
  readonly filter: Filter;
  readonly until: RowPosition;
}

/**
 * Notes what was corrected of the windows that are wanted, before they are read from the first one on. Of most blocks only the
 * column of revisions is read; of those that have a correction, what says which window it is of.
 */
export function findRevisions<T>(
  stream: ScannedStream<T>,
  { filter, until }: RevisedRows,
  revisions: Revisions,
  slices: Slices,
): Observable<never> {
  const look = new Scan(stream, { filter, columns: [REVISION] }, atLsn(0));
  const detailed = new Scan(stream, { filter, columns: revisions.columns }, atLsn(0));
  let isEnd = false;
  /** Up to where there are corrections that were not noted. */
  let to: RowPosition | null = null;
  const looked = (loaded: LoadedRange | null): void => {
    isEnd = loaded === null;
    if (loaded === null || !loaded.batches.some(({ batch }) => hasCorrections(batch))) return;
    const { unit, range } = loaded;
    detailed.position = range?.from ?? unit.start;
    to = isBefore(until, unit.end) ? until : unit.end;
  };
  const note = (loaded: LoadedRange | null): void => {
    if (loaded === null) to = null;
    else
      loaded.batches.forEach(({ batch }, at) => {
        revisions.note(batch, detailed.select(loaded, at) ?? consecutive(batch.rows));
      });
  };
  return slices.steps(() => {
    if (to !== null) return detailed.nextLoaded(to, false).pipe(tap(note));
    return isEnd ? null : look.nextLoaded(until, false).pipe(tap(looked));
  });
}
