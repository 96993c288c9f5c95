import type { StreamLayout } from '../../wal/event-entry.js';
import type { EntryCursor } from './entry-cursor.js';
import type { KeyTable } from './key-table.js';
import { positionOrder, stableOrder } from './stable-order.js';
import { type StagedColumn, stageColumn } from './staging.js';

/**
 * The rows of a block, as they come: in runs from one entry after the other, whose lsns need not rise from run to run.
 * Filled again for each block.
 */
export class StagedBlock {
  rows = 0;
  readonly lsns: Float64Array;
  readonly indexes: Int32Array | null;
  /** The rank of each row's key. */
  readonly keyRanks: Uint32Array;
  /** Those that are not key columns, by column number. */
  readonly columns: readonly (StagedColumn | null)[];
  private isInOrder = true;

  constructor(
    layout: StreamLayout,
    readonly keys: KeyTable,
    rowsMax: number,
    indexed: boolean,
  ) {
    this.lsns = new Float64Array(rowsMax);
    this.indexes = indexed ? new Int32Array(rowsMax) : null;
    this.keyRanks = new Uint32Array(rowsMax);
    this.columns = layout.columns.map((column) => (column.role === 'key' ? null : stageColumn(column, rowsMax)));
  }

  reset(): void {
    this.rows = 0;
    this.isInOrder = true;
    for (const column of this.columns) column?.reset();
  }

  /** Takes an entry's rows up to a row. `sources` are the entry's columns by column number; -1 where it has none. */
  take(cursor: EntryCursor, to: number, sources: readonly number[]): void {
    const { next, chunk, entry } = cursor;
    const at = this.rows;
    for (let row = next; row < to; row++) {
      this.lsns[at + row - next] = cursor.lsnOf(row);
      if (this.indexes) this.indexes[at + row - next] = cursor.indexOf(row);
    }
    if (at > 0 && this.lsns[at]! < this.lsns[at - 1]!) this.isInOrder = false;
    if (this.keys.count > 0) {
      for (let row = next; row < to; row++) {
        this.keyRanks[at + row - next] = this.keys.rankOf(entry, chunk.uint32[cursor.keyIndexAt + row]!);
      }
    }
    for (let column = 0; column < sources.length; column++) {
      this.columns[column]?.take(cursor, sources[column]!, next, to, at);
    }
    this.rows += to - next;
    cursor.next = to;
  }

  /** The order in which the rows go into the block: by key, then by position. */
  order(): Uint32Array {
    const { rows } = this;
    const byPosition = this.isInOrder ? null : positionOrder(this.lsns, this.indexes, rows);
    if (this.keys.count > 0) return stableOrder(this.keyRanks, rows, this.keys.count - 1, byPosition);
    return byPosition ?? Uint32Array.from({ length: rows }, (_, row) => row);
  }
}
