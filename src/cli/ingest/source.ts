/** A row of the file, before anyone knows what its columns are. */
export interface SourceRow {
  /** Where it begins, counted from 1. */
  readonly line: number;
  /** Why it cannot be read at all. */
  readonly fault: string | null;
  /** Cells in the order of the header (CSV), or an object (NDJSON). */
  readonly cells: unknown;
  /** The row as it stood in the file, for the reject file. */
  original(): Uint8Array;
}

/** A file of rows that is being read front to back. */
export interface Source {
  readonly format: Format;
  /** Rows, some at a time; what is read ahead is bounded. @throws InputError for a place behind which nothing can be read */
  batches(): AsyncGenerator<SourceRow[]>;
  /** The names of the columns. Of CSV known once the first batch was read; of NDJSON those that these rows have. */
  columnsOf(sample: readonly SourceRow[]): string[];
  /** Reads a column's cell; `undefined` where the row has none. */
  cellReader(column: string): (row: SourceRow) => unknown;
  /** What a row has beyond these columns, in words. */
  surplusOf(row: SourceRow, columns: ReadonlySet<string>): string | null;
}

export type Format = 'csv' | 'ndjson';

/** One row, or one line of a CSV file with a quote that is never closed, must fit into memory. */
export const ROW_BYTES_MAX = 16 * 1024 * 1024;

/** A value that does not fit, and why. */
export class Unfit {
  constructor(readonly reason: string) {}
}
