import { MillraceError } from '../../errors.js';
import { cloned, isPlain } from '../plain-data.js';

/**
 * How what an accumulator keeps in an object gets into a checkpoint: copied, where the object is about to change while it is being read,
 * and as plain data in a file.
 */
export interface ObjectForm {
  /** Must not throw: it runs in a turn. */
  readonly clone: (object: unknown) => unknown;
  /** @throws MillraceError `INVALID_ARGUMENT` for what cannot be kept */
  readonly pack: (object: unknown) => unknown;
  /** What was packed, as it was. */
  readonly unpack: (packed: unknown) => unknown;
}

const itself = (object: unknown): unknown => object;

/** A list of plain values that is changed in place. */
export const LIST_FORM: ObjectForm = {
  clone: (list) => (list as unknown[]).slice(),
  pack: itself,
  unpack: itself,
};

/** A set of plain values that is changed in place. It has its values in their order. */
export const SET_FORM: ObjectForm = {
  clone: (set) => new Set(set as Set<unknown>),
  pack: (set) => [...(set as Set<unknown>)],
  unpack: (values) => new Set(values as unknown[]),
};

/** A user's value that is replaced and never changed. @param what for errors: `last(note)` */
export function valueForm(what: string): ObjectForm {
  return {
    clone: itself,
    pack: (value) => {
      assertPlain(what, value, 0);
      return value;
    },
    unpack: itself,
  };
}

/** A user's object that he may change in place. @param what for errors: `reducer()` */
export function dataForm(what: string): ObjectForm {
  return { ...valueForm(what), clone: cloned };
}

const DEPTH_MAX = 1000;

/** Canonical JSON would make a plain object of one of a class, which is another one after a restart. */
function assertPlain(what: string, value: unknown, depth: number): void {
  if (depth > DEPTH_MAX) throw notKept(what, `is circular or nested deeper than ${DEPTH_MAX}`);
  if (typeof value === 'function' || typeof value === 'symbol') throw notKept(what, `holds a ${typeof value}`);
  if (typeof value !== 'object' || value === null || value instanceof Date || value instanceof Uint8Array) return;
  if (Array.isArray(value)) for (const item of value) assertPlain(what, item, depth + 1);
  else if (isPlain(value)) for (const item of Object.values(value)) assertPlain(what, item, depth + 1);
  else throw notKept(what, `holds a ${value.constructor?.name ?? 'object'}`);
}

function notKept(what: string, why: string): MillraceError {
  const message = `What ${what} keeps ${why}, which a checkpoint cannot save. Keep plain data: objects, arrays, strings, numbers, bigints, booleans, dates, bytes, null.`;
  return new MillraceError('INVALID_ARGUMENT', message);
}
