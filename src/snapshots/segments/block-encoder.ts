import type { ColumnLayout } from '../../wal/column.js';
import type { StreamLayout } from '../../wal/event-entry.js';
import type { Hash } from '../../wal/hash.js';
import { type BlockInfo, INDEX_COLUMN, LSN_COLUMN, tableColumns, toHex } from '../segment-format.js';
import { batchMessage } from './arrow.js';
import type { Loan } from './block-memory.js';
import { RowSums } from './canonical-row.js';
import { directoryEntry } from './directory.js';
import { putBits, putDoublesAsIntegers, putFixed, putVariable } from './gather.js';
import { type ColumnPlace, type ColumnShape, type Part, placeColumns } from './geometry.js';
import { keyColumns } from './key-order.js';
import { KeyRuns } from './key-runs.js';
import { type RawRows, rawColumn } from './raw.js';
import type { StagedBlock } from './staged-block.js';
import { type StagedColumn, StagedVariable } from './staging.js';

/** A block that is through: its bytes, and what the segment says of it. */
export interface EncodedBlock {
  readonly bytes: Uint8Array;
  readonly messageBytes: number;
  readonly directory: Uint8Array;
  readonly info: Omit<BlockInfo, 'offset'>;
  /** The columns as they were written. */
  readonly rows: RawRows;
}

/** Staged rows, and the order in which they go into the block. */
interface SortedRows {
  readonly staged: StagedBlock;
  readonly order: Uint32Array;
  readonly runs: KeyRuns;
}

/** Makes blocks of staged rows. */
export class BlockEncoder {
  private readonly columns: readonly ColumnLayout[];
  private readonly timeColumn: number;
  private readonly sums: RowSums;

  constructor(
    private readonly layout: StreamLayout,
    indexed: boolean,
    private readonly hash: Hash,
    private readonly memory?: Loan,
  ) {
    this.columns = tableColumns(layout.columns, indexed);
    this.timeColumn = layout.columns.findIndex((column) => column.role === 'time');
    this.sums = new RowSums(hash);
  }

  encode(staged: StagedBlock): EncodedBlock {
    const { rows } = staged;
    const order = staged.order();
    const sorted = { staged, order, runs: new KeyRuns(keyColumns(this.layout.columns), staged, order) };
    const shapes = this.columns.map((column) => this.shapeOf(column, sorted));
    const places = placeColumns(this.columns, rows, shapes);
    const message = batchMessage(rows, shapes, places);
    const length = message.length + places.length;
    // Between the parts of a block there are zeros.
    const bytes = this.memory?.take(length).fill(0) ?? new Uint8Array(length);
    const body = bytes.subarray(message.length);
    bytes.set(message);
    this.columns.forEach((column, at) => {
      this.put(column, places.columns[at]!, body, sorted);
    });
    // The sum is taken from the bytes that were written, as a reader will see them.
    const columns = this.columns.map((column, at) =>
      rawColumn(column, places.columns[at]!, (part) => partOf(body, part)),
    );
    const written = { rows, columns };
    const sum = toHex(this.sums.sum(written, { positions: true }));
    const about = { rows, messageBytes: message.length, shapes, samples: sorted.runs.samples() };
    const directory = directoryEntry(about, bytes, this.hash);
    const hash = toHex(this.hash(directory));
    const info = { bytes: bytes.length, rows, ...this.boundsOf(staged), ...sorted.runs.bounds(), hash, sum };
    return { bytes, messageBytes: message.length, directory, info, rows: written };
  }

  private staged(column: ColumnLayout, staged: StagedBlock): StagedColumn | null {
    return staged.columns[this.layout.columns.indexOf(column)] ?? null;
  }

  private shapeOf(column: ColumnLayout, { staged, runs }: SortedRows): ColumnShape {
    if (column.role === 'key') return { nulls: 0, bytes: runs.bytesOf(column.name) };
    const source = this.staged(column, staged);
    const bytes = source instanceof StagedVariable ? source.offsets[staged.rows]! : 0;
    return { nulls: source?.nulls ?? 0, bytes };
  }

  private put(column: ColumnLayout, place: ColumnPlace, body: Uint8Array, { staged, order, runs }: SortedRows): void {
    const values = partOf(body, place.values);
    const offsets = place.offsets && partOf(body, place.offsets);
    if (column === LSN_COLUMN) putDoublesAsIntegers(values, staged.lsns, order);
    else if (column === INDEX_COLUMN) putFixed(values, staged.indexes!, order);
    else if (column.role === 'key') runs.put(column.name, offsets, values);
    else this.putStaged(column, this.staged(column, staged)!, place, body, order);
  }

  private putStaged(
    { type }: ColumnLayout,
    source: StagedColumn,
    place: ColumnPlace,
    body: Uint8Array,
    order: Uint32Array,
  ): void {
    const values = partOf(body, place.values);
    if (source.nulls > 0) putBits(partOf(body, place.validity), source.valid!, order);
    if (source instanceof StagedVariable) putVariable(partOf(body, place.offsets!), values, source, order);
    else if (type === 'timestamp') putDoublesAsIntegers(values, source.values as Float64Array, order);
    else if (type === 'bool') putBits(values, source.values as Uint8Array, order);
    else putFixed(values, source.values, order);
  }

  private boundsOf({ lsns, indexes, columns, rows }: StagedBlock) {
    const times = columns[this.timeColumn] as { readonly values: Float64Array };
    const [firstLsn, lastLsn] = boundsOf(lsns, rows);
    const [minTime, maxTime] = boundsOf(times.values, rows);
    return { firstLsn, lastLsn, ...(indexes && indexBounds(indexes, rows)), minTime, maxTime };
  }
}

function partOf(body: Uint8Array, { offset, length }: Part): Uint8Array {
  return body.subarray(offset, offset + length);
}

/** The lowest and the highest value; no -0. */
function boundsOf(values: Float64Array, rows: number): [number, number] {
  let low = values[0]!;
  let high = low;
  for (let row = 1; row < rows; row++) {
    const value = values[row]!;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low + 0, high + 0];
}

/** The indexes of the first and of the last row; rows that have one stand in the order of their positions. */
function indexBounds(indexes: Int32Array, rows: number) {
  return { firstIndex: indexes[0]!, lastIndex: indexes[rows - 1]! };
}
