import { MillraceError } from '../errors.js';
import { fromCanonicalJson, toCanonicalJson } from '../wal/canonical-json.js';

export type StateKeyPart = string | number | bigint | boolean;
/** A key of keyed state: a primitive value, or a tuple of them. */
export type StateKey = StateKeyPart | readonly StateKeyPart[];

/**
 * What stands for a key inside a state: two keys are the same if and only if their identities are the same to a `Map`. That is
 * the key itself where it is a primitive; a tuple is a text that begins with NUL, as is a string that begins with NUL.
 */
export type Identity = StateKeyPart;

const NUL = '\u0000';
const ESCAPED = `${NUL}s`;
const TUPLE = `${NUL}t`;

/** @throws MillraceError `INVALID_ARGUMENT` for what is not a key. */
export function identityOf(key: StateKey): Identity {
  switch (typeof key) {
    case 'string':
      return key.charCodeAt(0) === 0 ? ESCAPED + key : key;
    case 'number':
      // -0 is 0, as in a Map.
      return key + 0;
    case 'bigint':
    case 'boolean':
      return key;
    default:
      return tupleIdentity(key);
  }
}

/** Every part with its type and its length or an end, so that no two tuples run together. */
function tupleIdentity(key: unknown): string {
  if (!Array.isArray(key)) throw invalid(key);
  let text = TUPLE;
  for (const part of key as StateKeyPart[]) {
    switch (typeof part) {
      case 'string':
        text += `s${part.length}:${part}`;
        break;
      case 'number':
        text += `n${part + 0};`;
        break;
      case 'bigint':
        text += `i${part};`;
        break;
      case 'boolean':
        text += part ? 'b1;' : 'b0;';
        break;
      default:
        throw invalid(part);
    }
  }
  return text;
}

/** The key that an identity stands for; a tuple is a new array. */
export function keyOf(identity: Identity): StateKey {
  if (typeof identity !== 'string' || identity.charCodeAt(0) !== 0) return identity;
  return identity.startsWith(ESCAPED) ? identity.slice(ESCAPED.length) : tupleOf(identity);
}

function tupleOf(identity: string): StateKeyPart[] {
  const parts: StateKeyPart[] = [];
  let at = TUPLE.length;
  while (at < identity.length) {
    const type = identity[at];
    const end = identity.indexOf(type === 's' ? ':' : ';', at);
    const text = identity.slice(at + 1, end);
    at = end + 1;
    if (type === 's') {
      parts.push(identity.slice(at, at + Number(text)));
      at += Number(text);
    } else if (type === 'n') parts.push(Number(text));
    else parts.push(type === 'i' ? BigInt(text) : text === '1');
  }
  return parts;
}

/** The canonical JSON of the key: what is written and hashed. */
export function keyText(identity: Identity): string {
  const key = keyOf(identity);
  return Array.isArray(key) ? `[${key.map(valueText).join(',')}]` : valueText(key);
}

/** `toCanonicalJson` with a short way for what is plain. */
export function valueText(value: unknown): string {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return JSON.stringify(value);
    case 'number':
      if (Number.isFinite(value) && !Object.is(value, -0)) return String(value);
  }
  return toCanonicalJson(value);
}

const MARKED = '{"$":';

/** The values of a text that is a canonical JSON array; null where it is not. */
export function valuesOf(text: string): unknown[] | null {
  try {
    // Where nothing is marked as what plain JSON cannot say, reading plain JSON is several times quicker.
    const values = text.includes(MARKED) ? fromCanonicalJson(text) : JSON.parse(text);
    return Array.isArray(values) ? values : null;
  } catch {
    return null;
  }
}

function invalid(what: unknown): MillraceError {
  const kind = what === null ? 'null' : typeof what;
  const message = `A key of keyed state is a string, number, bigint, boolean or a tuple of these, not ${kind}.`;
  return new MillraceError('INVALID_ARGUMENT', message);
}
