import { describe, SchemaError } from '../errors.js';
import { fromCanonicalJson, toCanonicalJson } from '../wal/canonical-json.js';
import type { ColumnLayout } from '../wal/column.js';
import { VALUE_BYTES_MAX } from '../wal/format.js';

/**
 * What a column stores for a value that a user gave; `undefined` for a missing one.
 *
 * @throws SchemaError naming stream, column and value.
 */
export function toStored(stream: string, column: ColumnLayout, value: unknown): unknown {
  const isMissing = value === undefined || (value === null && column.type !== 'json');
  if (isMissing && column.optional) return undefined;
  const fault = isMissing ? 'is missing' : faultOf(column, value);
  if (fault !== null) {
    const message = `Column "${column.name}" of stream "${stream}" ${fault}${isMissing ? '' : `: ${shown(value)}`}. Nothing was written.`;
    throw new SchemaError(message, { stream, column: column.name });
  }
  if (column.type === 'json') return storedJson(stream, column, value);
  return value instanceof Date ? value.getTime() : value;
}

/** What is wrong with a value that is there, or `null`. */
function faultOf(column: ColumnLayout, value: unknown): string | null {
  switch (column.type) {
    case 'timestamp':
      return timestampFault(value);
    case 'string':
      return stringFault(value);
    case 'bool':
      return typeof value === 'boolean' ? null : 'must be true or false';
    case 'int32':
      return typeof value === 'number' && (value | 0) === value
        ? null
        : 'must be a whole number from -2147483648 to 2147483647';
    case 'int64':
      return typeof value === 'bigint' && BigInt.asIntN(64, value) === value
        ? null
        : 'must be a bigint from -2^63 to 2^63 - 1 (write 1n, or BigInt(number))';
    case 'float32':
    case 'float64':
      return typeof value === 'number' ? null : 'must be a number';
    case 'bytes':
      return bytesFault(value);
    default:
      return null;
  }
}

function timestampFault(value: unknown): string | null {
  const time = value instanceof Date ? value.getTime() : value;
  return Number.isSafeInteger(time) ? null : 'must be whole milliseconds since the epoch, or a valid Date';
}

function stringFault(value: unknown): string | null {
  if (typeof value !== 'string') return 'must be a string';
  if (!value.isWellFormed()) return 'is not well-formed Unicode (it holds half of a surrogate pair)';
  return isTooLong(value) ? `is longer than ${VALUE_BYTES_MAX} bytes` : null;
}

function bytesFault(value: unknown): string | null {
  if (!(value instanceof Uint8Array)) return 'must be a Uint8Array';
  return value.length > VALUE_BYTES_MAX ? `is longer than ${VALUE_BYTES_MAX} bytes` : null;
}

/** Whether a text takes more bytes than a value may have. Most texts are far too short to be counted. */
export function isTooLong(text: string): boolean {
  return text.length * 3 > VALUE_BYTES_MAX && Buffer.byteLength(text) > VALUE_BYTES_MAX;
}

function storedJson(stream: string, column: ColumnLayout, value: unknown): string {
  const position = { stream, column: column.name };
  let text: string;
  try {
    text = toCanonicalJson(value);
  } catch (cause) {
    throw new SchemaError(
      `Column "${column.name}" of stream "${stream}" cannot be kept as JSON: ${describe(cause)} Nothing was written.`,
      { ...position, cause },
    );
  }
  if (!text.isWellFormed() || isTooLong(text)) {
    throw new SchemaError(
      `Column "${column.name}" of stream "${stream}" is longer than ${VALUE_BYTES_MAX} bytes as JSON, or not well-formed Unicode. Nothing was written.`,
      position,
    );
  }
  return text;
}

export const fromStoredJson = fromCanonicalJson;

/** A value in an error message: short, whatever it is. */
export function shown(value: unknown): string {
  const text = shownWhole(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

function shownWhole(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 100));
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'object' || typeof value === 'function') return Object.prototype.toString.call(value);
  return Object.is(value, -0) ? '-0' : String(value);
}

/** The row that would be read again from what columns store. */
export function decodedRow(columns: readonly ColumnLayout[], stored: readonly unknown[]): Record<string, unknown> {
  const row: Record<string, unknown> = {};
  for (let at = 0; at < columns.length; at++) {
    const { name, type } = columns[at]!;
    const value = stored[at];
    if (value === undefined) row[name] = undefined;
    else if (type === 'json') row[name] = fromStoredJson(value as string);
    else if (type === 'float32') row[name] = Math.fround(value as number);
    else if (type === 'int32') row[name] = (value as number) | 0;
    else row[name] = type === 'bytes' ? (value as Uint8Array).slice() : value;
  }
  return row;
}
