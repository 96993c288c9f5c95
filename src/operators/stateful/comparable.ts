import { MillraceError } from '../../errors.js';

/**
 * In a pipeline an object is not the same one after a restart, so that operators cannot tell whether two are the same one.
 *
 * @throws MillraceError `INVALID_ARGUMENT` for an object, function or symbol
 */
export function assertComparable(operator: string, value: unknown, instead: string): void {
  const type = typeof value;
  if (value === null || (type !== 'object' && type !== 'function' && type !== 'symbol')) return;
  const what = type === 'object' ? 'an object' : `a ${type}`;
  throw new MillraceError(
    'INVALID_ARGUMENT',
    `${operator} cannot tell whether ${what} is the same one again: in a pipeline of a mill its state is saved and loaded. ${instead}`,
  );
}
