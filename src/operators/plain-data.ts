const DEPTH_MAX = 1000;
const TOO_DEEP = Symbol('too deep');

/** A copy of plain data that shares nothing with it. What is not plain stays as it is: it is refused when it is written. */
export function cloned<V>(value: V): V {
  try {
    return copyOf(value, 0) as V;
  } catch (error) {
    if (error === TOO_DEEP) return value;
    throw error;
  }
}

function copyOf(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth > DEPTH_MAX) throw TOO_DEEP;
  if (Array.isArray(value)) return Array.from(value, (item) => copyOf(item, depth + 1));
  if (value instanceof Date) return new Date(value);
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (!isPlain(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, copyOf(item, depth + 1)]));
}

/** Gives a row that is one's own copies of the objects that are in it. */
export function ownFields(row: object): object {
  const fields = row as Record<string, unknown>;
  for (const name in fields) {
    const value = fields[name];
    if (typeof value === 'object' && value !== null) fields[name] = cloned(value);
  }
  return row;
}

/** Whether it is no object of a class. */
export function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  // Also one of another realm, as a test runner has it.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
