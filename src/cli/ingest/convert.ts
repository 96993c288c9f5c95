import type { ColumnLayout, ColumnType } from '../../wal/column.js';
import { type Format, Unfit } from './source.js';
import { readTime, type TimeUnit } from './time.js';

/** Makes the value of a column from a cell. `undefined`: there is none, and need not be. */
export type Converter = (cell: unknown) => unknown;

/** How a column's cells become values. A value that does not fit is an `Unfit`, never an error: there may be many. */
export function converterOf(column: ColumnLayout, format: Format, unit: TimeUnit): Converter {
  const convert = format === 'csv' ? fromText(column.type, unit) : fromJson(column.type, unit);
  const isEmpty =
    format === 'csv'
      ? (cell: unknown) => (column.type === 'string' ? cell === '' : (cell as string).trim() === '')
      : (cell: unknown) => cell === undefined || cell === null;
  // An empty cell of a text column that must have a value is the empty text.
  const empty = column.optional ? undefined : format === 'csv' && column.type === 'string' ? '' : new Unfit('is empty');
  return (cell) => (cell === undefined || isEmpty(cell) ? empty : convert(cell));
}

function fromText(type: ColumnType, unit: TimeUnit): Converter {
  switch (type) {
    case 'string':
      return (cell) => cell;
    case 'timestamp':
      return (cell) => readTime(cell, unit);
    case 'json':
      return (cell) => parsedJson(cell as string);
    default: {
      const convert = fromJson(type, unit);
      return (cell) => convert((cell as string).trim());
    }
  }
}

/** Takes what JSON has for it, and text that says it: JSON has no way of its own to say 2^60, NaN or bytes. */
function fromJson(type: ColumnType, unit: TimeUnit): Converter {
  switch (type) {
    case 'timestamp':
      return (cell) => readTime(cell, unit);
    case 'string':
      return (cell) => (typeof cell === 'string' && cell.isWellFormed() ? cell : new Unfit('is not text'));
    case 'bool':
      return toBool;
    case 'int32':
      return toInt32;
    case 'int64':
      return toInt64;
    case 'float32':
    case 'float64':
      return toFloat;
    case 'bytes':
      return toBytes;
    default:
      return (cell) => cell;
  }
}

function toBool(cell: unknown): boolean | Unfit {
  if (typeof cell === 'boolean') return cell;
  const text = String(cell).toLowerCase();
  if (text === 'true' || text === '1') return true;
  return text === 'false' || text === '0' ? false : new Unfit('is neither true nor false');
}

function toInt32(cell: unknown): number | Unfit {
  const value = typeof cell === 'number' ? cell : isWhole(cell) ? Number(cell) : Number.NaN;
  // Adding 0 makes -0 a 0, which is what an int32 keeps.
  return (value | 0) === value ? value + 0 : new Unfit('is not a whole number of 32 bits');
}

function toInt64(cell: unknown): bigint | Unfit {
  const unfit = new Unfit('is not a whole number of 64 bits');
  if (typeof cell === 'number')
    return Number.isSafeInteger(cell) ? BigInt(cell) : new Unfit('is not a whole number up to 2^53: write it as text');
  if (!isWhole(cell) || cell.length > 40) return unfit;
  const value = BigInt(cell.replace('+', ''));
  return BigInt.asIntN(64, value) === value ? value : unfit;
}

const isWhole = (cell: unknown): cell is string => typeof cell === 'string' && /^[+-]?\d+$/.test(cell);

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

function toFloat(cell: unknown): number | Unfit {
  if (typeof cell === 'number') return cell;
  if (typeof cell === 'string') {
    if (NUMBER.test(cell)) return Number(cell);
    if (/^nan$/i.test(cell)) return Number.NaN;
    if (/^\+?inf(inity)?$/i.test(cell)) return Number.POSITIVE_INFINITY;
    if (/^-inf(inity)?$/i.test(cell)) return Number.NEGATIVE_INFINITY;
  }
  return new Unfit('is not a number');
}

function toBytes(cell: unknown): Uint8Array | Unfit {
  const isBase64 = typeof cell === 'string' && /^[A-Za-z0-9+/]*={0,2}$/.test(cell) && cell.length % 4 === 0;
  return isBase64 ? new Uint8Array(Buffer.from(cell, 'base64')) : new Unfit('is not base64');
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return new Unfit('is not JSON');
  }
}
