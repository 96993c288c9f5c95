import { type ColumnLayout, type FixedArray, isVariable } from '../../wal/column.js';
import type { EntryCursor } from './entry-cursor.js';
import type { Chunk } from './packed-entries.js';

/** Rows of one column, as they come, of the block that is being built. */
export type StagedColumn = StagedFixed | StagedVariable;

export function stageColumn(layout: ColumnLayout, rows: number): StagedColumn {
  return isVariable(layout.type) ? new StagedVariable(layout, rows) : new StagedFixed(layout, rows);
}

/** Up to this many values a loop is faster than a view and a copy. */
const FEW = 32;

/** Which rows have a value: a byte each, 1 or 0. */
class StagedValidity {
  nulls = 0;
  readonly valid: Uint8Array | null;

  constructor(
    readonly layout: ColumnLayout,
    rows: number,
  ) {
    this.valid = layout.optional ? new Uint8Array(rows) : null;
  }

  /** Takes rows `from` to `to` of an entry's column, to stand at `at`; of a column that it does not have where `source` is -1. */
  protected takeValidity(cursor: EntryCursor, source: number, from: number, to: number, at: number): void {
    const { valid } = this;
    const bitmap = source < 0 ? -1 : cursor.validityAt[source]!;
    if (valid === null) return;
    if (source < 0) {
      valid.fill(0, at, at + to - from);
      this.nulls += to - from;
    } else if (bitmap < 0) {
      valid.fill(1, at, at + to - from);
    } else {
      const { bytes } = cursor.chunk;
      for (let row = from; row < to; row++) {
        const bit = (bytes[bitmap + (row >> 3)]! >> (row & 7)) & 1;
        valid[at + row - from] = bit;
        this.nulls += 1 - bit;
      }
    }
  }
}

const ARRAYS = {
  timestamp: Float64Array,
  float64: Float64Array,
  float32: Float32Array,
  int32: Int32Array,
  int64: BigInt64Array,
  bool: Uint8Array,
} as const;
type FixedType = keyof typeof ARRAYS;

export class StagedFixed extends StagedValidity {
  readonly values: FixedArray;

  constructor(layout: ColumnLayout, rows: number) {
    super(layout, rows);
    this.values = new ARRAYS[layout.type as FixedType](rows);
  }

  reset(): void {
    this.nulls = 0;
  }

  take(cursor: EntryCursor, source: number, from: number, to: number, at: number): void {
    this.takeValidity(cursor, source, from, to, at);
    if (source < 0) {
      this.values.fill((this.values instanceof BigInt64Array ? 0n : 0) as never, at, at + to - from);
      return;
    }
    const all = sourceOf(cursor.chunk, this.layout.type);
    const first = cursor.valuesAt[source]! / all.BYTES_PER_ELEMENT + from;
    if (to - from > FEW) this.values.set(all.subarray(first, first + to - from) as never, at);
    else for (let row = 0; row < to - from; row++) this.values[at + row] = all[first + row]!;
  }
}

function sourceOf(chunk: Chunk, type: ColumnLayout['type']): FixedArray {
  switch (type) {
    case 'float32':
      return chunk.float32 as Float32Array<ArrayBuffer>;
    case 'int32':
      return chunk.int32 as Int32Array<ArrayBuffer>;
    case 'int64':
      return chunk.int64 as BigInt64Array<ArrayBuffer>;
    case 'bool':
      return chunk.bytes as Uint8Array<ArrayBuffer>;
    default:
      return chunk.float64 as Float64Array<ArrayBuffer>;
  }
}

export class StagedVariable extends StagedValidity {
  /** Where each row's value begins in `bytes`; that of row n ends where the one of row n + 1 begins. */
  readonly offsets: Uint32Array;
  bytes = new Uint8Array(1024);

  constructor(layout: ColumnLayout, rows: number) {
    super(layout, rows);
    this.offsets = new Uint32Array(rows + 1);
  }

  reset(): void {
    this.nulls = 0;
  }

  take(cursor: EntryCursor, source: number, from: number, to: number, at: number): void {
    this.takeValidity(cursor, source, from, to, at);
    const { offsets } = this;
    const start = offsets[at]!;
    if (source < 0) {
      offsets.fill(start, at + 1, at + 1 + to - from);
      return;
    }
    const { bytes, uint32 } = cursor.chunk;
    const ends = cursor.offsetsAt[source]! >> 2;
    const [first, last] = [uint32[ends + from]!, uint32[ends + to]!];
    for (let row = from; row < to; row++) offsets[at + row - from + 1] = start + uint32[ends + row + 1]! - first;
    this.room(start + last - first);
    const values = cursor.valuesAt[source]!;
    if (last - first > FEW) this.bytes.set(bytes.subarray(values + first, values + last), start);
    else for (let byte = first; byte < last; byte++) this.bytes[start + byte - first] = bytes[values + byte]!;
  }

  private room(end: number): void {
    if (end <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(end, this.bytes.length * 2));
    larger.set(this.bytes);
    this.bytes = larger;
  }
}
