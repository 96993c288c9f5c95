import type { ColumnLayout } from '../../wal/column.js';
import { timeInWords } from '../words.js';

type Row = Readonly<Record<string, unknown>>;

/** An event as one line of text, made for a stream's columns. */
export type RowFormat = (lsn: number, row: Row) => string;

/** NDJSON: `lsn` and the columns. A stream that has a column `lsn` has its own lsn under `$lsn`, which no column may be named. */
export function jsonFormat(columns: readonly ColumnLayout[]): RowFormat {
  const lsnName = columns.some(({ name }) => name === 'lsn') ? '$lsn' : 'lsn';
  return (lsn, row) => {
    const line: Record<string, unknown> = { [lsnName]: lsn };
    for (const column of columns) line[column.name] = readable(column, row[column.name]);
    return JSON.stringify(line);
  };
}

/** For people: lsn, event time, and the other columns by name. */
export function textFormat(columns: readonly ColumnLayout[]): RowFormat {
  const time = columns.find(({ role }) => role === 'time')!;
  const others = columns.filter((column) => column !== time);
  return (lsn, row) => {
    const values = others.flatMap((column) => {
      const value = readable(column, row[column.name]);
      return value === undefined ? [] : [`${column.name}=${inText(value)}`];
    });
    return [String(lsn).padStart(8), timeInWords(row[time.name] as number), ...values].join('  ');
  };
}

/** What JSON can say of a value: times as ISO 8601, 64-bit numbers and what is not finite as text, bytes as base64. */
function readable({ type }: ColumnLayout, value: unknown): unknown {
  if (type === 'timestamp' && typeof value === 'number') return timeInWords(value);
  return plain(value);
}

/** The same of any value. */
export function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Date) return timeInWords(value.getTime());
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map(plain);
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, plain(item)]));
}

/** Text stands as it is where nothing in it could be misread. */
function inText(value: unknown): string {
  if (typeof value === 'string') return /^[^\s"=\p{Cc}]+$/u.test(value) ? value : JSON.stringify(value);
  return JSON.stringify(value);
}
