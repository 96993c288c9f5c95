import { MillraceError } from '../../errors.js';

/** The error for a value that an aggregate of numbers cannot take. */
export function notANumber(column: string, value: unknown): MillraceError {
  const kind =
    typeof value === 'string' ? `the string ${JSON.stringify(value.slice(0, 40))}` : `a value of type ${typeof value}`;
  const message =
    `Column ${column} must be a number, bigint, null or undefined for the aggregates that count with it, not ${kind}. ` +
    'Convert it with map() before the window.';
  return new MillraceError('INVALID_ARGUMENT', message, { column });
}
