import type { Observable } from 'rxjs';
import type { ColumnType } from '../wal/column.js';

/** A column of the rows that an operator gives. */
export interface DescribedColumn {
  readonly name: string;
  readonly role: 'time' | 'key' | 'value';
  /** Its type, or the column of the operator's input that has the same one. */
  readonly type: ColumnType | { readonly sameAs: string };
  readonly optional: boolean;
}

/** What the rows of an operator are, so that a derived stream that ends with it needs no schema. */
export interface RowDescription {
  readonly columns: readonly DescribedColumn[];
  /** Whether a row is kept; one that is not is seen by those who listen, and by nobody later. Default: all are. */
  readonly isKept?: (row: never) => boolean;
  /** Whether a row follows from events of this time and later alone, whatever came before. Default: nobody knows. */
  readonly isSince?: (row: never, time: number) => boolean;
}

const descriptions = new WeakMap<Observable<unknown>, RowDescription>();

/** Says what the rows of an observable are. */
export function described<T>(rows: Observable<T>, description: RowDescription): Observable<T> {
  descriptions.set(rows, description);
  return rows;
}

/** What was said of the rows of an observable; `null` where nothing was. */
export function descriptionOf(rows: Observable<unknown>): RowDescription | null {
  return descriptions.get(rows) ?? null;
}
