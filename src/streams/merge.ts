import type { Batch } from '../wal/batch.js';

/** Something whose rows take their turn with those of others. */
export interface RowSource {
  readonly batch: Batch;
}

/**
 * Visits the rows of several batches of one commit in the order of their lsns: those whose place in the commit is from
 * `fromOrder` to before `toOrder`. Runs of rows of one batch are visited in one go.
 */
export function eachRow<S extends RowSource>(
  sources: readonly S[],
  fromOrder: number,
  toOrder: number,
  visit: (source: S, row: number) => void,
): void {
  if (sources.length === 1) {
    const [source] = sources as readonly [S];
    const end = source.batch.rowFrom(toOrder);
    for (let row = source.batch.rowFrom(fromOrder); row < end; row++) visit(source, row);
    return;
  }
  const cursors = sources.map((source) => ({
    source,
    row: source.batch.rowFrom(fromOrder),
    end: source.batch.rowFrom(toOrder),
  }));
  for (;;) {
    let first: Cursor<S> | null = null;
    let lowest = toOrder;
    let next = toOrder;
    for (const cursor of cursors) {
      if (cursor.row === cursor.end) continue;
      const order = cursor.source.batch.orderOf(cursor.row);
      if (order < lowest) {
        next = lowest;
        lowest = order;
        first = cursor;
      } else if (order < next) {
        next = order;
      }
    }
    if (first === null) return;
    const { source, end } = first;
    do visit(source, first.row++);
    while (first.row < end && source.batch.orderOf(first.row) < next);
  }
}

interface Cursor<S> {
  readonly source: S;
  readonly end: number;
  row: number;
}
