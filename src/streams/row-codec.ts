import { describe, SchemaError } from '../errors.js';
import { type Batch, BytesValues, type ColumnValues, isValid, TextValues } from '../wal/batch.js';
import { type ColumnLayout, isVariable } from '../wal/column.js';
import type { EventEntryBuilder, StreamLayout } from '../wal/event-entry.js';
import { ROW_BYTES_MAX, VALUE_BYTES_MAX } from '../wal/format.js';
import {
  type BatchReader,
  type FastPath,
  generateFastPath,
  generateReader,
  type ReadColumns,
  type TakeRow,
} from './generated-code.js';
import { fromStoredJson, shown, toStored } from './values.js';

export type Row = Record<string, unknown>;

/** Texts of keys that are kept. */
const KEY_TEXTS_MAX = 65_536;

/** Makes the row at an index of the batch that it was made for. */
export type RowReader<T> = (row: number) => T;

/** The rows of one batch. */
export interface BatchRows<T> {
  readonly read: RowReader<T>;
  /** Gives the rows at `rows[from]` up to before `rows[to]` until no more are wanted. Returns where the next one is. */
  visit(rows: Uint32Array, from: number, to: number, take: TakeRow<T>): number;
}

/**
 * Rows of one stream into columns and back. Where code may be generated, rows whose values need no conversion take a
 * generated path; it accepts only what the general path would accept, which alone decides what is right and says what is wrong.
 */
export class RowCodec<T> {
  private readonly names: ReadonlySet<string>;
  private readonly keys: readonly number[];
  private readonly fast: FastPath | null;
  /** Only a row of many long values can be longer than a frame may be. */
  private readonly mayBeTooLong: boolean;
  /** By the layout of what is read. */
  private readonly readers = new WeakMap<StreamLayout, BatchReader>();
  private readonly keyTexts = new Map<string, string>();

  constructor(
    private readonly stream: string,
    readonly columns: readonly ColumnLayout[],
  ) {
    this.names = new Set(columns.map((column) => column.name));
    this.keys = columns.flatMap((column, at) => (column.role === 'key' ? [at] : []));
    this.mayBeTooLong = columns.filter(({ type }) => isVariable(type)).length > ROW_BYTES_MAX / VALUE_BYTES_MAX;
    this.fast = this.mayBeTooLong ? null : generateFastPath(columns);
  }

  /** @throws SchemaError naming stream, column and value. */
  check(row: unknown): void {
    if (this.fast === null || !this.fast.accepts(row)) this.stored(row);
  }

  /** What each column stores for a row. @throws SchemaError */
  stored(row: unknown): unknown[] {
    if (typeof row !== 'object' || row === null || Array.isArray(row)) {
      throw new SchemaError(
        `An event of stream "${this.stream}" must be an object, not ${shown(row)}. Nothing was written.`,
        { stream: this.stream },
      );
    }
    for (const name in row) if (!this.names.has(name)) throw this.unknownColumn(name);
    const stored = this.columns.map((column) => toStored(this.stream, column, this.valueIn(row as Row, column.name)));
    if (this.mayBeTooLong && bytesOf(stored) > ROW_BYTES_MAX) throw this.tooLong();
    return stored;
  }

  /** What each column stores for a row, in no part the row's own. @throws SchemaError */
  copyOf(row: unknown): unknown[] {
    return this.stored(row).map((value) => (value instanceof Uint8Array ? value.slice() : value));
  }

  private valueIn(row: Row, column: string): unknown {
    try {
      return row[column];
    } catch (cause) {
      const message = `Column "${column}" of stream "${this.stream}" cannot be read: ${describe(cause)}. Nothing was written.`;
      throw new SchemaError(message, { stream: this.stream, column, cause });
    }
  }

  private tooLong(): SchemaError {
    const message = `An event of stream "${this.stream}" takes more than ${ROW_BYTES_MAX} bytes. Nothing was written.`;
    return new SchemaError(message, { stream: this.stream });
  }

  private unknownColumn(name: string): SchemaError {
    const position = { stream: this.stream, column: name };
    const known = [...this.names].slice(0, 20).join(', ');
    return new SchemaError(
      `Stream "${this.stream}" has no column ${JSON.stringify(name.slice(0, 200))}; it has ${known}. Nothing was written.`,
      position,
    );
  }

  /** Whether a row can take the generated path: `keyOf(row)` and `put`. */
  isPlain(row: unknown): row is Row {
    return this.fast?.accepts(row) ?? false;
  }

  /** The distinct key of a row whose values are stored ones: the value of the only key column, or a text of all. */
  keyOf(stored: readonly unknown[]): unknown {
    if (this.keys.length === 1) return stored[this.keys[0]!];
    return keyText(this.keys.map((at) => stored[at]));
  }

  plainKeyOf(row: Row): unknown {
    return this.fast!.keyOf(row);
  }

  /** The row as it would be read again. */
  plainCopyOf(row: Row): Row {
    return this.fast!.copyOf(row);
  }

  keyValues(stored: readonly unknown[]): unknown[] {
    return this.keys.map((at) => stored[at]);
  }

  plainKeyValues(row: Row): unknown[] {
    return this.keys.map((at) => row[this.columns[at]!.name]);
  }

  /** Puts the values of a row, but for its key, at the entry's next row. */
  putPlain(entry: EventEntryBuilder, row: Row): void {
    this.fast!.put(entry.values, entry.columns, entry.rows, row);
  }

  put(entry: EventEntryBuilder, stored: readonly unknown[]): void {
    this.columns.forEach((column, at) => {
      if (column.role !== 'key') entry.columns[at]!.set(entry.rows, stored[at] as never);
    });
  }

  /** Columns that the batch does not have, as those that were added to the schema later, are `undefined`. */
  rowsOf(batch: Pick<Batch, 'layout' | 'columns' | 'validity' | 'keyIndex' | 'keys'>): BatchRows<T> {
    const { layout, keyIndex, validity } = batch;
    let reader = this.readers.get(layout);
    if (reader === undefined) {
      reader = generateReader(this.columns, layout.columns) ?? plainReader(this.columns, layout.columns);
      this.readers.set(layout, reader);
    }
    const columns = batch.columns.map((values, at) =>
      layout.columns[at]!.role === 'key' ? this.keyValuesOf(layout.columns[at]!, values, batch.keys) : values,
    );
    const [made, found] = [reader, { columns, validity, keyIndex }];
    return {
      read: (row) => made.read(found, row) as T,
      visit: (rows, from, to, take) => made.visit(found, rows, from, to, take as TakeRow<unknown>),
    };
  }

  /** The values of a key column for the distinct keys, ready to be put into rows. */
  private keyValuesOf(column: ColumnLayout, values: ColumnValues, keys: number): unknown[] {
    const found = Array.from({ length: keys }, (_, key) => valueAt(column, values, key));
    return column.type === 'string' ? found.map((text) => this.oneOf(text as string)) : found;
  }

  /** The same string object for the same text: who looks up a key need not compare its characters each time. */
  private oneOf(text: string): string {
    const known = this.keyTexts.get(text);
    if (known !== undefined) return known;
    if (this.keyTexts.size >= KEY_TEXTS_MAX) this.keyTexts.clear();
    this.keyTexts.set(text, text);
    return text;
  }

  reader(batch: Parameters<RowCodec<T>['rowsOf']>[0]): RowReader<T> {
    return this.rowsOf(batch).read;
  }
}

/** About how many bytes stored values take. */
export function bytesOf(stored: readonly unknown[]): number {
  return stored.reduce<number>((sum, value) => {
    if (typeof value === 'string') return sum + Buffer.byteLength(value);
    return sum + (value instanceof Uint8Array ? value.length : 8);
  }, 0);
}

/** One text for several key columns; different keys give different texts. */
export function keyText(values: readonly unknown[]): string {
  return values.map((value) => (typeof value === 'string' ? `${value.length}:${value}` : `${String(value)};`)).join('');
}

export function valueAt(column: ColumnLayout, values: ColumnValues, row: number): unknown {
  if (values instanceof TextValues) return column.type === 'json' ? fromStoredJson(values.get(row)) : values.get(row);
  if (values instanceof BytesValues) return values.get(row);
  return column.type === 'bool' ? values[row] === 1 : values[row];
}

/** The reader without generated code. */
function plainReader(columns: readonly ColumnLayout[], layout: readonly ColumnLayout[]): BatchReader {
  const places = columns.map(({ name }) => layout.findIndex((column) => column.name === name));
  const read = ({ columns: values, validity, keyIndex }: ReadColumns, row: number): Row => {
    const result: Row = {};
    columns.forEach((column, at) => {
      const place = places[at]!;
      if (column.role === 'key') result[column.name] = (values[place] as unknown[])[keyIndex[row]!];
      else if (place < 0 || !isValid(validity[place]!, row)) result[column.name] = undefined;
      else result[column.name] = valueAt(column, values[place] as ColumnValues, row);
    });
    return result;
  };
  const visit: BatchReader['visit'] = (batch, rows, from, to, take) => {
    for (let at = from; at < to; at++) if (!take(read(batch, rows[at]!), 0, 0)) return at + 1;
    return to;
  };
  return { read, visit };
}
