import type { Retained } from '../../snapshots/manifest.js';
import type { BlockInfo, Key } from '../../snapshots/segment-format.js';
import { compareKeys, fromJsonKey, keyColumns } from '../../snapshots/segments/key-order.js';
import type { Batch } from '../../wal/batch.js';
import type { ColumnLayout } from '../../wal/column.js';
import { isBlockGone, mayBeGone } from '../retention.js';
import { valueAt } from '../row-codec.js';
import type { Revisions } from './revisions.js';

/** What both kinds of batches have: events of a commit, rows of a segment's block. */
export type ReadBatch = Pick<Batch, 'layout' | 'rows' | 'columns' | 'validity' | 'keys' | 'keyIndex'>;

/** Which events are wanted. */
export interface Filter {
  /** Bounds of the event time in milliseconds: from `from` on, before `to`. */
  readonly from: number;
  readonly to: number;
  /** What key columns must be, by name; none where not given. */
  readonly where: ReadonlyMap<string, Key[number]>;
}

export const EVERYTHING: Filter = { from: -Infinity, to: Infinity, where: new Map() };

/** A filter for the columns of one stream, and what was decided on how far its events are kept. */
export class RowFilter {
  /** The key that all wanted events have; `null` where there may be several. */
  readonly key: Key | null;
  private readonly keys: readonly ColumnLayout[];

  constructor(
    columns: readonly ColumnLayout[],
    private readonly filter: Filter,
    private readonly retainedNow: () => Retained | null,
    /** Where rows that were corrected are hidden. */
    private readonly revisions: Revisions | null = null,
  ) {
    this.keys = keyColumns(columns);
    const { where } = filter;
    this.key = where.size > 0 && where.size === this.keys.length ? this.keys.map(({ name }) => where.get(name)!) : null;
  }

  private get retained(): Retained | null {
    return this.retainedNow();
  }

  /** Whether a block may have wanted events. */
  mayHave = (block: BlockInfo): boolean => {
    const { minTime, maxTime, firstKey, lastKey } = block;
    const { from, to } = this.filter;
    if (maxTime < from || minTime >= to) return false;
    if (isBlockGone(block, this.retained)) return false;
    const { key } = this;
    if (key === null) return true;
    const isBelow = firstKey !== null && compareKeys(key, fromJsonKey(this.keys, firstKey)) < 0;
    return !isBelow && !(lastKey !== null && compareKeys(key, fromJsonKey(this.keys, lastKey)) > 0);
  };

  /** Whether the event time decides on rows of such a block, so that it must be read. */
  needsTime({ minTime, maxTime, firstLsn }: Pick<BlockInfo, 'minTime' | 'maxTime' | 'firstLsn'>): boolean {
    const { from, to } = this.filter;
    return minTime < from || maxTime >= to || this.isPartlyGone(firstLsn, minTime);
  }

  private isPartlyGone(firstLsn: number, minTime: number): boolean {
    return mayBeGone({ firstLsn, minTime }, this.retained);
  }

  /** Whether the lsn decides on rows of a unit that begins with this one. */
  needsPositions(firstLsn: number): boolean {
    return this.isPartlyGone(firstLsn, -Infinity);
  }

  get needsKeys(): boolean {
    return this.filter.where.size > 0;
  }

  /** Whether a column is read to see which rows were corrected. */
  needsForRevisions(column: string): boolean {
    return this.revisions?.needs(column) ?? false;
  }

  /** Whether everything that a batch may have is wanted, of a unit that begins with this lsn. */
  wantsAll(firstLsn: number): boolean {
    return this.wantsWhole(firstLsn) && !(this.revisions?.isActive ?? false);
  }

  /** The same, whatever was corrected. */
  private wantsWhole(firstLsn: number): boolean {
    const { from, to } = this.filter;
    return from === -Infinity && to === Infinity && !this.isPartlyGone(firstLsn, -Infinity) && !this.needsKeys;
  }

  /** Those of `rows` that are wanted; the same array where all are. The batch must have the columns that decide. */
  select(batch: ReadBatch, rows: Uint32Array, firstLsn: number, lsnOf: (row: number) => number): Uint32Array {
    const wanted = this.wantsWhole(firstLsn) ? rows : this.selectWanted(batch, rows, lsnOf);
    return this.revisions === null ? wanted : this.revisions.shown(batch, wanted);
  }

  private selectWanted(batch: ReadBatch, rows: Uint32Array, lsnOf: (row: number) => number): Uint32Array {
    const times = batch.columns[batch.layout.columns.findIndex(({ role }) => role === 'time')] as
      | Float64Array
      | undefined;
    const isKey = this.wantedKeys(batch);
    const { from, to } = this.filter;
    const { retained } = this;
    const found = new Uint32Array(rows.length);
    let count = 0;
    for (const row of rows) {
      if (isKey !== null && isKey[batch.keyIndex[row]!] === 0) continue;
      if (times !== undefined) {
        const time = times[row]!;
        if (time < from || time >= to) continue;
        if (retained !== null && time < retained.from && lsnOf(row) < retained.lsn) continue;
      }
      found[count++] = row;
    }
    return found.subarray(0, count);
  }

  /** Of each distinct key of a batch, whether it is wanted; `null` where all are. */
  private wantedKeys(batch: ReadBatch): Uint8Array | null {
    const { where } = this.filter;
    if (where.size === 0) return null;
    const wanted = new Uint8Array(batch.keys).fill(1);
    batch.layout.columns.forEach((column, at) => {
      if (!where.has(column.name)) return;
      const value = where.get(column.name);
      for (let key = 0; key < batch.keys; key++) {
        if (valueAt(column, batch.columns[at]!, key) !== value) wanted[key] = 0;
      }
    });
    return wanted;
  }
}
