import type { ColumnLayout } from '../wal/column.js';

/** Numbers as people read them. All of them ASCII and short, so that columns of them line up. */

export function counted(count: number): string {
  return count.toLocaleString('en-US');
}

/** `1 event`, `2 events`. */
export function numberOf(count: number, noun: string): string {
  return `${counted(count)} ${noun}${count === 1 ? '' : 's'}`;
}

const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

export function bytesInWords(bytes: number): string {
  let value = bytes;
  let unit = 0;
  for (; Math.abs(value) >= 1_000 && unit < BYTE_UNITS.length - 1; unit++) value /= 1_024;
  return `${unit === 0 ? Math.round(value) : threeDigits(value)} ${BYTE_UNITS[unit]}`;
}

/** A latency or any other short time. */
export function millisecondsInWords(milliseconds: number): string {
  if (milliseconds >= 1_000) return `${threeDigits(milliseconds / 1_000)} s`;
  return `${milliseconds < 1 ? milliseconds.toFixed(2) : threeDigits(milliseconds)} ms`;
}

/** How long something has been going on, in whole seconds. */
export function elapsedInWords(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1_000);
  const two = (value: number) => String(value).padStart(2, '0');
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m ${two(seconds % 60)}s`;
  return `${Math.floor(seconds / 3_600)}h ${two(Math.floor(seconds / 60) % 60)}m ${two(seconds % 60)}s`;
}

export function threeDigits(value: number): string {
  const size = Math.abs(value);
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2);
}

/** A time as ISO 8601; one that a `Date` cannot say stays a number. */
export function timeInWords(time: number): string {
  return Number.isFinite(time) && Math.abs(time) <= 8.64e15 ? new Date(time).toISOString() : String(time);
}

/** A column as a schema declares it: `core key(string())`. */
export function columnInWords({ name, type, role, optional }: ColumnLayout): string {
  const builder = `${type}()${optional ? '.optional()' : ''}`;
  if (role === 'key' || role === 'tag') return `${name} ${role}(${builder})`;
  return `${name} ${builder}${role === 'time' ? ' as event time' : ''}`;
}

/** One line, whatever a message or a name holds: control characters would move the cursor or forge lines. */
export function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ').replace(/\p{Cc}/gu, '?');
}
