import type { ColumnType } from '../../wal/column.js';
import type { Format } from './source.js';

/** What the cells of a column look like. */
export interface Inferred {
  readonly type: ColumnType;
  /** Some row of the sample has no value. */
  readonly optional: boolean;
  /** Cells that the type does not take: their rows are going to be rejected. */
  readonly misfits: number;
}

/**
 * Of the cells that have a value, this share may not fit. A few bad cells must not turn a column of numbers into text: a
 * rejected row can be mended and ingested again, the type of a column cannot.
 */
const MISFITS_MAX = 0.1;

/** Leading zeros, as in `007`, mean something that is not a number: it stays text. */
const WHOLE = /^[+-]?(0|[1-9]\d*)$/;
const DECIMAL = /^[+-]?((0|[1-9]\d*)(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/;
const NOT_FINITE = /^([+-]?(inf|infinity)|nan)$/i;
const BOOL = /^(true|false)$/i;

/**
 * The type of a column, from a sample of its cells: the narrowest that takes all of them, or all but a few. Whole numbers
 * are `int32`, or `int64` where one of them needs it; with any other number among them, `float64`; what is too long for
 * a number to keep exactly is text. A column without any value is optional text. A key takes all of them: among the names
 * of things, numbers and words may well be mixed.
 */
export function inferColumn(cells: readonly unknown[], format: Format, isKey: boolean): Inferred {
  const kinds = new Map<Kind, number>();
  let missing = 0;
  for (const cell of cells) {
    const kind = format === 'csv' ? kindOfText(cell as string) : kindOfJson(cell);
    if (kind === 'missing') missing++;
    else kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  const values = cells.length - missing;
  const optional = missing > 0 || values === 0;
  for (const [type, allowed] of CANDIDATES) {
    const misfits = values - allowed.reduce((sum, kind) => sum + (kinds.get(kind) ?? 0), 0);
    const isTaken = misfits === 0 || (!isKey && misfits <= values * MISFITS_MAX);
    if (values > 0 && isTaken) return { type: narrowest(type, kinds), optional, misfits };
  }
  return { type: values === 0 || format === 'csv' ? 'string' : 'json', optional, misfits: 0 };
}

type Kind = 'missing' | 'int32' | 'int64' | 'float64' | 'bool' | 'string' | 'json';

function kindOfText(cell: string): Kind {
  const text = cell.trim();
  if (text === '') return 'missing';
  if (WHOLE.test(text)) return kindOfWhole(text);
  if (DECIMAL.test(text) || NOT_FINITE.test(text)) return 'float64';
  return BOOL.test(text) ? 'bool' : 'string';
}

function kindOfWhole(text: string): Kind {
  const value = Number(text);
  if ((value | 0) === value) return 'int32';
  if (text.length > 20) return 'string';
  const whole = BigInt(text.replace('+', ''));
  return BigInt.asIntN(64, whole) === whole ? 'int64' : 'string';
}

function kindOfJson(cell: unknown): Kind {
  switch (typeof cell) {
    case 'undefined':
      return 'missing';
    case 'boolean':
      return 'bool';
    case 'string':
      return 'string';
    case 'number':
      if ((cell | 0) === cell) return 'int32';
      // Beyond 2^53 the parser of JSON has rounded already: a number that large is as exact as it can be.
      return Number.isSafeInteger(cell) ? 'int64' : 'float64';
    default:
      return cell === null ? 'missing' : 'json';
  }
}

/** Which kinds of cells a type takes. */
const CANDIDATES: readonly (readonly [ColumnType, readonly Kind[]])[] = [
  ['float64', ['int32', 'int64', 'float64']],
  ['bool', ['bool']],
  ['string', ['string']],
];

function narrowest(type: ColumnType, kinds: ReadonlyMap<Kind, number>): ColumnType {
  if (type !== 'float64' || kinds.has('float64')) return type;
  return kinds.has('int64') ? 'int64' : 'int32';
}
