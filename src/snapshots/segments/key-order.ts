import type { ColumnLayout } from '../../wal/column.js';
import type { JsonKey, Key } from '../segment-format.js';

type KeyPart = Key[number];

/** Keys as a segment orders them: column by column, text by its UTF-8 bytes, numbers by value, false before true. */
export function compareKeys(a: Key, b: Key): number {
  for (let column = 0; column < a.length; column++) {
    const order = compareParts(a[column]!, b[column]!);
    if (order !== 0) return order;
  }
  return 0;
}

function compareParts(a: KeyPart, b: KeyPart): number {
  if (a === b) return 0;
  if (typeof a === 'string') return compareTexts(a, b as string);
  return a < b ? -1 : 1;
}

/** The order of the UTF-8 bytes, which is that of the code points. */
function compareTexts(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const [x, y] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (x !== y) return inCodePointOrder(x) - inCodePointOrder(y);
  }
  return a.length - b.length;
}

/**
 * A number for a UTF-16 code unit that is larger where the UTF-8 bytes come later: halves of surrogate pairs stand for
 * code points above all others, but are code units below the last ones.
 */
export function inCodePointOrder(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

export function toJsonKey(key: Key): JsonKey {
  return key.map((part) => (typeof part === 'bigint' ? part.toString() : part));
}

/** `columns` are the key columns. */
export function fromJsonKey(columns: readonly ColumnLayout[], key: JsonKey): Key {
  return key.map((part, at) => (columns[at]!.type === 'int64' ? BigInt(part) : part));
}

export function keyColumns(columns: readonly ColumnLayout[]): readonly ColumnLayout[] {
  return columns.filter((column) => column.role === 'key');
}
