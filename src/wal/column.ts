import { aligned } from './format.js';

/** How a column's values lie in memory and in the log. */
export type ColumnType = 'timestamp' | 'string' | 'bool' | 'int32' | 'int64' | 'float32' | 'float64' | 'json' | 'bytes';

/** What a column is to its stream: its event time, a part of its key, a tag of that key, or a value. */
export type ColumnRole = 'time' | 'key' | 'tag' | 'value';

export interface ColumnLayout {
  readonly name: string;
  readonly type: ColumnType;
  readonly role: ColumnRole;
  readonly optional: boolean;
}

export type FixedArray = Float64Array | Float32Array | Int32Array | BigInt64Array | Uint8Array;
type Slots = { [row: number]: unknown };
type FixedType = Exclude<ColumnType, 'string' | 'json' | 'bytes'>;

const FIXED = {
  timestamp: Float64Array,
  bool: Uint8Array,
  int32: Int32Array,
  int64: BigInt64Array,
  float32: Float32Array,
  float64: Float64Array,
} as const;

export function isVariable(type: ColumnType): type is 'string' | 'json' | 'bytes' {
  return type === 'string' || type === 'json' || type === 'bytes';
}

/** Bytes of one value of a fixed type; of a variable one, the offset that it costs. */
export function widthOf(type: ColumnType): number {
  return isVariable(type) ? 4 : FIXED[type as FixedType].BYTES_PER_ELEMENT;
}

/**
 * A column that is being filled. Its encoding, each part at a multiple of 8:
 * where the column is optional, a bitmap with a set bit for every row that has a value;
 * then fixed values one after the other, or `rows + 1` 32-bit offsets and the bytes that they cut.
 * A missing value is zero, or has no bytes.
 */
export interface ColumnBuilder {
  /** Makes room for `capacity` rows, keeping what is there. */
  reserve(capacity: number): void;
  /** `undefined` where an optional value is missing. Rows are set in order, each once. */
  set(row: number, value: unknown): void;
  byteLength(rows: number): number;
  encode(rows: number, target: Uint8Array, at: number): void;
}

export function createColumnBuilder(layout: ColumnLayout): FixedColumnBuilder | VariableColumnBuilder {
  return isVariable(layout.type) ? new VariableColumnBuilder(layout) : new FixedColumnBuilder(layout);
}

export class FixedColumnBuilder implements ColumnBuilder {
  values: FixedArray;
  readonly validity: ValidityBuilder | null;

  constructor(private readonly layout: ColumnLayout) {
    this.values = new FIXED[layout.type as FixedType](0);
    this.validity = layout.optional ? new ValidityBuilder() : null;
  }

  reserve(capacity: number): void {
    const larger = new FIXED[this.layout.type as FixedType](capacity);
    larger.set(this.values as never);
    this.values = larger;
    this.validity?.reserve(capacity);
  }

  set(row: number, value: unknown): void {
    this.validity?.set(row, value !== undefined);
    const missing = this.layout.type === 'int64' ? 0n : 0;
    (this.values as Slots)[row] = value === undefined ? missing : value;
  }

  /** The same for values one after the other, all there. */
  setMany(firstRow: number, values: FixedArray): void {
    this.values.set(values as never, firstRow);
    if (this.validity) for (let at = 0; at < values.length; at++) this.validity.set(firstRow + at, true);
  }

  byteLength(rows: number): number {
    return (this.validity ? bitmapBytes(rows) : 0) + aligned(rows * this.values.BYTES_PER_ELEMENT);
  }

  encode(rows: number, target: Uint8Array, at: number): void {
    const valuesAt = this.validity ? this.validity.encode(rows, target, at) : at;
    copyInto(target, valuesAt, this.values, rows * this.values.BYTES_PER_ELEMENT);
  }
}

export class VariableColumnBuilder implements ColumnBuilder {
  /** Where each row ends; row 0 begins at 0. */
  private ends = new Uint32Array(0);
  private bytes: Buffer<ArrayBuffer> = Buffer.allocUnsafeSlow(256);
  private readonly validity: ValidityBuilder | null;

  constructor(layout: ColumnLayout) {
    this.validity = layout.optional ? new ValidityBuilder() : null;
  }

  reserve(capacity: number): void {
    const larger = new Uint32Array(capacity);
    larger.set(this.ends);
    this.ends = larger;
    this.validity?.reserve(capacity);
  }

  /** Takes text (also canonical JSON) and bytes. */
  set(row: number, value: string | Uint8Array | undefined): void {
    this.validity?.set(row, value !== undefined);
    const start = row === 0 ? 0 : this.ends[row - 1]!;
    this.ends[row] = start + (value === undefined ? 0 : this.put(value, start));
  }

  private put(value: string | Uint8Array, start: number): number {
    if (typeof value !== 'string') {
      this.room(start + value.length);
      this.bytes.set(value, start);
      return value.length;
    }
    this.room(start + value.length * 3);
    return this.bytes.write(value, start);
  }

  private room(end: number): void {
    if (end <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(end, this.bytes.length * 2));
    larger.set(this.bytes);
    this.bytes = larger;
  }

  /** Bytes of the values of the first `rows` rows. */
  bytesUsed(rows: number): number {
    return rows === 0 ? 0 : this.ends[rows - 1]!;
  }

  byteLength(rows: number): number {
    return (this.validity ? bitmapBytes(rows) : 0) + aligned((rows + 1) * 4) + aligned(this.bytesUsed(rows));
  }

  encode(rows: number, target: Uint8Array, at: number): void {
    const offsetsAt = this.validity ? this.validity.encode(rows, target, at) : at;
    target.fill(0, offsetsAt, offsetsAt + 4);
    copyBytes(target, offsetsAt + 4, this.ends, rows * 4);
    const valuesAt = offsetsAt + aligned((rows + 1) * 4);
    target.fill(0, offsetsAt + (rows + 1) * 4, valuesAt);
    copyInto(target, valuesAt, this.bytes, this.bytesUsed(rows));
  }
}

/** One byte a row while it fills, one bit a row in the log. */
class ValidityBuilder {
  private valid = new Uint8Array(0);

  reserve(capacity: number): void {
    const larger = new Uint8Array(capacity);
    larger.set(this.valid);
    this.valid = larger;
  }

  set(row: number, valid: boolean): void {
    this.valid[row] = valid ? 1 : 0;
  }

  /** Gives where the next part begins. */
  encode(rows: number, target: Uint8Array, at: number): number {
    const end = at + bitmapBytes(rows);
    target.fill(0, at, end);
    for (let row = 0; row < rows; row++) {
      if (this.valid[row] === 1) target[at + (row >> 3)]! |= 1 << (row & 7);
    }
    return end;
  }
}

export function bitmapBytes(rows: number): number {
  return aligned((rows + 7) >> 3);
}

function copyBytes(target: Uint8Array, at: number, source: ArrayBufferView, length: number): void {
  target.set(new Uint8Array(source.buffer, source.byteOffset, length), at);
}

/** Copies and fills up with zeros to the next multiple of 8. */
function copyInto(target: Uint8Array, at: number, source: ArrayBufferView, length: number): void {
  copyBytes(target, at, source, length);
  target.fill(0, at + length, at + aligned(length));
}
