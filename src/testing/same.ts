import { isDate, isUint8Array } from 'node:util/types';

/**
 * Whether a mill takes two values for the same: a property that is undefined leaves no trace, and prototypes do not count, as test
 * runners have several `Object`s.
 */
export function isSame(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return Object.is(a, b);
  if (isDate(a) || isDate(b)) return isDate(a) && isDate(b) && Object.is(a.getTime(), b.getTime());
  if (isUint8Array(a) || isUint8Array(b)) return isUint8Array(a) && isUint8Array(b) && Buffer.compare(a, b) === 0;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  if (Array.isArray(a) && a.length !== (b as unknown[]).length) return false;
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...names].every((name) => isSame(a[name as never], b[name as never]));
}
