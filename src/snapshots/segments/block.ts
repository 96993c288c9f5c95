import type { ColumnValues } from '../../wal/batch.js';
import type { StreamLayout } from '../../wal/event-entry.js';
import { INDEX_COLUMN, type Key, LSN_COLUMN } from '../segment-format.js';
import type { Loan } from './block-memory.js';
import { type RawColumn, type RawRows, words } from './raw.js';
import { keysOf, type RowRange, type SortedKeys } from './sorted-keys.js';
import { denseOrder, positionOrder } from './stable-order.js';
import { toColumnValues, toDoubles, toValidity } from './values.js';

/**
 * Rows of one block, sorted by key, then by position. Columns are read in the way of a `Batch`: typed arrays over the
 * bytes that were read, key columns once for each distinct key.
 */
export class SegmentBlock {
  readonly rows: number;
  /** Per column of `layout`; of a key column, the values of the distinct keys. */
  readonly columns: readonly ColumnValues[];
  /** Per column: its bitmap, or `null` where every row has a value. */
  readonly validity: readonly (Uint8Array | null)[];
  /** Which distinct key each row has. Empty where no key column was asked for. */
  readonly keyIndex: Uint32Array;
  private readonly sortedKeys: SortedKeys | null;
  private positions: { readonly lsns: Float64Array; readonly indexes: Int32Array | null } | null = null;
  private order: Uint32Array | null = null;

  constructor(
    /** The stream's layout with the columns that were asked for. */
    readonly layout: StreamLayout,
    private readonly raw: RawRows,
    /** Where the key is known, and the key columns are not among `raw`. */
    knownKey: SortedKeys | null = null,
    private readonly memory?: Loan,
  ) {
    const keys = raw.columns.filter((column) => column.layout.role === 'key');
    const sorted = knownKey ?? (keys.length > 0 ? keysOf(keys, raw.rows) : null);
    this.rows = raw.rows;
    this.sortedKeys = sorted;
    this.keyIndex = sorted?.index(memory) ?? new Uint32Array(0);
    this.columns = layout.columns.map(({ name, role }) =>
      role === 'key' ? sorted!.column(name) : toColumnValues(this.column(name)!, raw.rows, memory),
    );
    this.validity = layout.columns.map(({ name, role }) => (role === 'key' ? null : toValidity(this.column(name)!)));
  }

  private column(name: string): RawColumn | undefined {
    return this.raw.columns.find((column) => column.layout.name === name);
  }

  get keys(): number {
    return this.sortedKeys?.count ?? 0;
  }

  /** The key with this number; needs a key column to have been asked for. */
  keyAt(number: number): Key {
    return this.sortedKeys!.key(number);
  }

  /** The rows of a key; needs a key column to have been asked for. None where the key is not there. */
  rowsOfKey(key: Key): RowRange {
    return this.sortedKeys!.rowsOf(key);
  }

  /** The lsn of each row; needs positions to have been asked for. */
  get lsns(): Float64Array {
    return this.placed().lsns;
  }

  /** The index of each row; `null` where every one is 0. */
  get indexes(): Int32Array | null {
    return this.placed().indexes;
  }

  private placed() {
    if (this.positions === null) {
      const lsns = toDoubles(this.column(LSN_COLUMN.name)!.values, this.rows, this.memory);
      const index = this.column(INDEX_COLUMN.name);
      const numbers = index && words(index.values);
      const indexes = numbers ? new Int32Array(numbers.buffer, numbers.byteOffset, this.rows) : null;
      this.positions = { lsns, indexes };
    }
    return this.positions;
  }

  /** The rows in the order of their positions. */
  orderByPosition(): Uint32Array {
    return (this.order ??= this.orderOfRows());
  }

  private orderOfRows(): Uint32Array {
    const dense = this.column(INDEX_COLUMN.name)
      ? null
      : denseOrder(words(this.column(LSN_COLUMN.name)!.values), this.rows, this.memory);
    if (dense !== null) return dense;
    const { lsns, indexes } = this.placed();
    return positionOrder(lsns, indexes, this.rows);
  }
}
