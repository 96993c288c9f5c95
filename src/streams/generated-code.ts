import { compiled, literal } from '../operators/generated-code.js';
import type { ColumnLayout } from '../wal/column.js';
import type { EventEntryBuilder } from '../wal/event-entry.js';
import { fromStoredJson, isTooLong } from './values.js';

/**
 * Code made per schema: a property of a fixed name is read and written some ten times faster than one whose name is in a
 * variable. Where a process forbids code from strings (`--disallow-code-generation-from-strings`), these functions give
 * `null` and the general code runs. Names only ever get into the code as JSON string literals.
 */
export interface FastPath {
  /** Whether the row has just the schema's columns, with values that are stored as they are. Never throws. */
  accepts(row: unknown): boolean;
  keyOf(row: Record<string, unknown>): unknown;
  /** The row as it would be read again. */
  copyOf(row: Record<string, unknown>): Record<string, unknown>;
  /** Puts the values of the columns that are no keys at index `row`. */
  put(
    values: EventEntryBuilder['values'],
    columns: EventEntryBuilder['columns'],
    at: number,
    row: Record<string, unknown>,
  ): void;
}

export function generateFastPath(columns: readonly ColumnLayout[]): FastPath | null {
  // JSON is converted, and takes its own time.
  if (columns.some((column) => column.type === 'json')) return null;
  const checks = columns.map((column) => {
    const value = `row[${literal(column.name)}]`;
    const check = `(typeof (v = ${value}) === ${literal(typeofOf(column))}${furtherCheck(column)})`;
    return column.optional ? `((v = ${value}) === undefined ? (missing++, true) : ${check})` : check;
  });
  const accepts = `
    if (typeof row !== 'object' || row === null || Array.isArray(row)) return false;
    let v, missing = 0, names = 0;
    if (!(${checks.join(' && ') || 'true'})) return false;
    for (const name in row) names++;
    return names === ${columns.length} - missing;`;
  const puts = columns.map((column, at) => {
    const value = `row[${literal(column.name)}]`;
    if (column.role === 'key') return '';
    if (column.optional || column.type === 'string' || column.type === 'bytes')
      return `columns[${at}].set(at, ${value});`;
    return `values[${at}][at] = ${column.type === 'bool' ? `${value} ? 1 : 0` : value};`;
  });
  return compiled<FastPath>(
    `return {
      accepts(row) { try { ${accepts} } catch { return false; } },
      keyOf(row) { ${keyOf(columns)} },
      copyOf(row) { return { ${columns.map(copied).join(', ')} }; },
      put(values, columns, at, row) { ${puts.join(' ')} },
    };`,
    { isTooLong },
  );
}

function typeofOf({ type }: ColumnLayout): string {
  if (type === 'string') return 'string';
  if (type === 'bool') return 'boolean';
  if (type === 'int64') return 'bigint';
  return type === 'bytes' ? 'object' : 'number';
}

function furtherCheck({ type }: ColumnLayout): string {
  if (type === 'string') return ' && v.isWellFormed() && !isTooLong(v)';
  if (type === 'timestamp') return ' && Number.isSafeInteger(v)';
  if (type === 'int32') return ' && (v | 0) === v';
  if (type === 'int64') return ' && BigInt.asIntN(64, v) === v';
  // Bytes have limits that the general path knows.
  return type === 'bytes' ? ' && v instanceof Uint8Array && v.length < 65536' : '';
}

function copied(column: ColumnLayout): string {
  const value = `row[${literal(column.name)}]`;
  const copy = copyExpression(column, value);
  return fieldOf(
    column.name,
    column.optional && copy !== value ? `${value} === undefined ? undefined : ${copy}` : copy,
  );
}

function copyExpression({ type }: ColumnLayout, value: string): string {
  if (type === 'float32') return `Math.fround(${value})`;
  if (type === 'int32') return `${value} | 0`;
  return type === 'bytes' ? `${value}.slice()` : value;
}

function keyOf(columns: readonly ColumnLayout[]): string {
  const keys = columns
    .filter((column) => column.role === 'key')
    .map((column) => ({ column, value: `row[${literal(column.name)}]` }));
  if (keys.length === 1) return `return ${keys[0]!.value};`;
  const parts = keys.map(({ column, value }) =>
    column.type === 'string' ? `\`\${${value}.length}:\${${value}}\`` : `\`\${${value}};\``,
  );
  return `return ${parts.join(' + ') || "''"};`;
}

/** In a literal, `"__proto__": v` would set the prototype; such names are refused in schemas, and computed here all the same. */
function fieldOf(name: string, value: string): string {
  return `[${literal(name)}]: ${value}`.replace(/^\["([A-Za-z_]\w*)"\]/, '$1');
}

/** A batch's columns; key columns are arrays of the distinct keys' values. */
export interface ReadColumns {
  readonly columns: readonly unknown[];
  readonly validity: readonly (Uint8Array | null)[];
  readonly keyIndex: Uint32Array;
}

/** Takes a row, and whether it wants more. Its position is not said: lsn and index are 0. */
export type TakeRow<T> = (row: T, lsn: number, index: number) => boolean;

/** Makes rows from a batch's columns. */
export interface BatchReader {
  /** The row at an index. */
  read(batch: ReadColumns, row: number): unknown;
  /** Gives the rows at `rows[from]` up to before `rows[to]` until no more are wanted. Returns where the next one is. */
  visit(batch: ReadColumns, rows: Uint32Array, from: number, to: number, take: TakeRow<unknown>): number;
}

/** A function that makes rows with `columns` from batches with `layout`. */
export function generateReader(columns: readonly ColumnLayout[], layout: readonly ColumnLayout[]): BatchReader | null {
  const places = columns.map((column) => layout.findIndex(({ name }) => name === column.name));
  const fields = columns.map((column, field) => {
    const at = places[field]!;
    return fieldOf(column.name, at < 0 ? 'undefined' : expression(layout[at]!, at));
  });
  const used = places
    .filter((at) => at >= 0)
    .map((at) => `const c${at} = batch.columns[${at}], v${at} = batch.validity[${at}];`)
    .join(' ');
  const begin = `const keyIndex = batch.keyIndex; ${used}`;
  return compiled<BatchReader>(
    `return {
      read(batch, row) { ${begin} return { ${fields.join(', ')} }; },
      visit(batch, rows, from, to, take) {
        ${begin}
        for (let at = from; at < to; at++) {
          const row = rows[at];
          if (!take({ ${fields.join(', ')} }, 0, 0)) return at + 1;
        }
        return to;
      },
    };`,
    { fromStoredJson },
  );
}

function expression(column: ColumnLayout, at: number): string {
  if (column.role === 'key') return `c${at}[keyIndex[row]]`;
  const value = valueExpression(column, `c${at}`);
  return column.optional ? `(v${at}[row >> 3] >> (row & 7)) & 1 ? ${value} : undefined` : value;
}

function valueExpression({ type }: ColumnLayout, values: string): string {
  if (type === 'json') return `fromStoredJson(${values}.get(row))`;
  if (type === 'string' || type === 'bytes') return `${values}.get(row)`;
  return type === 'bool' ? `${values}[row] === 1` : `${values}[row]`;
}
