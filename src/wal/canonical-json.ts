import stringify from 'fast-json-stable-stringify';
import { MillraceError } from '../errors.js';

/**
 * Canonical JSON: the same value always gives the same text (keys are sorted), and what plain JSON cannot say is kept:
 * NaN, ±Infinity, -0, bigint, Date, bytes. Such values are written as `{"$": [kind, text]}`; an object of the user's that
 * has the key `$` alone is written as `{"$": ["object", {…}]}`. Everything else is plain JSON.
 *
 * @throws MillraceError `INVALID_ARGUMENT` for what has no value to keep: functions, symbols, circular references.
 */
export function toCanonicalJson(value: unknown): string {
  return stringify(encode(value, 0));
}

export function fromCanonicalJson(text: string): unknown {
  return decode(JSON.parse(text));
}

const DEPTH_MAX = 1000;

type Tagged = readonly [kind: string, payload?: unknown];
const tagged = (...tag: Tagged): unknown => ({ $: tag });

function encode(value: unknown, depth: number): unknown {
  if (depth > DEPTH_MAX) throw invalid(`is circular or nested deeper than ${DEPTH_MAX}`);
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      return encodeNumber(value);
    case 'bigint':
      return tagged('bigint', value.toString());
    case 'undefined':
      return tagged('undefined');
    case 'object':
      return value === null ? null : encodeObject(value, depth);
    default:
      throw invalid(`holds a ${typeof value}`);
  }
}

function encodeNumber(value: number): unknown {
  if (Object.is(value, -0)) return tagged('number', '-0');
  return Number.isFinite(value) ? value : tagged('number', String(value));
}

function encodeObject(value: object, depth: number): unknown {
  if (Array.isArray(value)) return Array.from(value, (item) => encode(item, depth + 1));
  if (value instanceof Date) return tagged('Date', encodeNumber(value.getTime()));
  if (value instanceof Uint8Array) return tagged('bytes', Buffer.from(value).toString('base64'));
  if (value instanceof Map || value instanceof Set || value instanceof ArrayBuffer || ArrayBuffer.isView(value)) {
    throw invalid(`holds a ${value.constructor.name}; use arrays and plain objects`);
  }
  if ('toJSON' in value && typeof value.toJSON === 'function') return encode(value.toJSON(), depth + 1);
  const result: Record<string, unknown> = Object.create(null);
  for (const name of Object.keys(value)) {
    const item = (value as Record<string, unknown>)[name];
    if (item !== undefined) result[name] = encode(item, depth + 1);
  }
  // Of what is kept: a property that is undefined leaves no trace.
  const names = Object.keys(result);
  return names.length === 1 && names[0] === '$' ? tagged('object', result) : result;
}

function decode(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(decode);
  const names = Object.keys(value);
  if (names.length === 1 && names[0] === '$') return decodeTagged((value as { $: Tagged }).$);
  return decodeFields(value as Record<string, unknown>);
}

function decodeFields(value: Record<string, unknown>): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const name of Object.keys(value)) {
    const item = decode(value[name]);
    if (name !== '__proto__') result[name] = item;
    // A plain assignment would set the prototype.
    else Object.defineProperty(result, name, { value: item, enumerable: true, writable: true, configurable: true });
  }
  return result;
}

function decodeTagged([kind, payload]: Tagged): unknown {
  switch (kind) {
    case 'number':
      return Number(payload);
    case 'bigint':
      return BigInt(payload as string);
    case 'Date':
      return new Date(decode(payload) as number);
    case 'bytes':
      return new Uint8Array(Buffer.from(payload as string, 'base64'));
    case 'object':
      return decodeFields(payload as Record<string, unknown>);
    default:
      return undefined;
  }
}

function invalid(what: string): MillraceError {
  return new MillraceError('INVALID_ARGUMENT', `The value ${what}, which JSON cannot keep.`);
}
