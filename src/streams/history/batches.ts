import { concat, concatMap, defer, from, merge, Observable, takeUntil, tap } from 'rxjs';
import { steps } from '../../wal/steps.js';
import { onAbort } from '../row-iterator.js';
import { type ColumnBatch, columnBatch } from './column-batch.js';
import { closedMeanwhile, type HistoryOptions, type OpenedHistory } from './history.js';
import type { HistoryQuery } from './query.js';
import type { LoadedRange } from './scan.js';
import type { StreamHistory } from './stream-history.js';
import { toldAsUnread } from './unread.js';

/** What `batches` reads. */
export interface BatchesOptions<T, C extends keyof T = keyof T>
  extends Pick<HistoryOptions<T, C>, 'from' | 'to' | 'where' | 'columns' | 'revisions' | 'signal'> {
  /** Whether the lsn of each row is wanted, and of derived rows the index. Default `false`. */
  readonly positions?: boolean;
  /**
   * Whether the memory of a batch is used again for later ones: its arrays are good only until `next` returns, and whoever keeps
   * one copies it. About twice as fast over many batches, for nothing has to be collected. Default `false`.
   */
  readonly reuse?: boolean;
}

/** `batches` of a stream; see there. */
export function batchesOf<T>(
  open: () => StreamHistory<unknown>,
  query: HistoryQuery,
  { positions = false, reuse = false, signal }: Pick<BatchesOptions<unknown>, 'positions' | 'reuse' | 'signal'>,
  onClose: (callback: () => void) => () => void,
): Observable<ColumnBatch<T>> {
  const aborted = new Observable<void>((subscriber) => onAbort(signal, () => subscriber.next()));
  const closed = new Observable<never>((subscriber) => onClose(() => subscriber.error(closedMeanwhile())));
  return defer(() => {
    const stream = open();
    const opened = stream.open(query);
    const { scan } = opened;
    const columns = stream.codec(query.columns).columns;
    const toBatches = (loaded: LoadedRange) =>
      loaded.batches
        .map(({ batch, lsnOf, indexOf }, at) =>
          columnBatch<T>(batch, columns, scan.select(loaded, at), positions ? { lsnOf, indexOf } : null),
        )
        .filter((batch) => batch.rows > 0);
    const eachOne = eachLoaded(opened, positions, reuse);
    return concat(opened.ready, eachOne).pipe(concatMap((loaded) => from(toBatches(loaded))));
  }).pipe(toldAsUnread(), takeUntil(merge(aborted, closed)));
}

/** All units of a scan, one after the other. */
function eachLoaded(
  { scan, until, slices }: OpenedHistory<unknown>,
  positions: boolean,
  reuse: boolean,
): Observable<LoadedRange> {
  return new Observable((subscriber) => {
    let isEnd = false;
    const next = () =>
      slices.waitingFor(scan.nextLoaded(until, positions)).pipe(
        tap((loaded) => {
          if (loaded === null) isEnd = true;
          else subscriber.next(loaded);
          if (reuse) loaded?.giveBack();
        }),
      );
    const step = () => (slices.isOver ? slices.pause() : next());
    return steps(() => (isEnd ? null : step())).subscribe({
      error: (error) => subscriber.error(error),
      complete: () => subscriber.complete(),
    });
  });
}
