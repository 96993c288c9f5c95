import { MillraceError } from '../errors.js';
import { aligned } from '../wal/format.js';
import type { Hash } from '../wal/hash.js';
import { type Identity, identityOf, keyText, type StateKey, valuesOf, valueText } from './state-key.js';

/** The values of many keys side by side, `stride` places for each. */
export type Values = unknown[] | Float64Array;

/** Keys with their slots and values. A key is undefined where the slot is empty now (in a delta only). */
export interface Entries<A extends Values> {
  readonly slots: ArrayLike<number>;
  readonly keys: readonly (Identity | undefined)[];
  readonly values: A;
}

/**
 * How the values of a state lie in memory and in files. `at` is where a key's places begin: the key's number times `stride`.
 */
export interface StateCodec<V, A extends Values = Values> {
  /** Names the codec in a file's header. */
  readonly code: number;
  readonly stride: number;
  /** Room for the values of so many keys, empty. */
  allocate(keys: number): A;
  /** @throws MillraceError `INVALID_ARGUMENT` for what cannot be a value, as far as that can be told quickly. */
  check(value: V): void;
  get(values: A, at: number): V;
  set(values: A, at: number, value: V): void;
  /** Makes the places as they are in new room. */
  clear(values: A, at: number): void;
  copy(from: A, fromAt: number, to: A, toAt: number): void;
  encoder(): EntriesEncoder<A>;
  /** What an encoder gave, `count` entries; null where it cannot be. */
  decode(body: Uint8Array, count: number): Entries<A> | null;
  /** xxhash64 of the canonical key and value. */
  hashOf(hash: Hash, identity: Identity, values: A, at: number): bigint;
}

/** Collects entries for a block of a file. */
export interface EntriesEncoder<A extends Values> {
  readonly count: number;
  /** A block should not take more: it would take too long to encode at a time. */
  readonly isFull: boolean;
  add(slot: number, identity: Identity, values: A, at: number): void;
  /** The body of the block, a multiple of 8 bytes; the encoder is empty after it. */
  finish(): Uint8Array;
}

const ENTRIES_MAX = 512;
const TEXT_MAX = 64 * 1024;

/**
 * Values as canonical JSON: whatever it can keep. A value is not to be changed in place, only replaced by `set`: a checkpoint
 * that is being written still refers to it. In a file: `[[slot, key, value], …]`, then spaces.
 */
export function jsonCodec<V = unknown>(): StateCodec<V, unknown[]> {
  return {
    code: 1,
    stride: 1,
    allocate: (keys) => Array.from<unknown>({ length: keys }),
    check: (value) => {
      if (typeof value === 'function' || typeof value === 'symbol')
        throw new MillraceError('INVALID_ARGUMENT', `A ${typeof value} cannot be a value of a state.`);
    },
    get: (values, at) => values[at] as V,
    set: (values, at, value) => {
      values[at] = value;
    },
    clear: (values, at) => {
      values[at] = undefined;
    },
    copy: (from, fromAt, to, toAt) => {
      to[toAt] = from[fromAt];
    },
    encoder: () => new JsonEncoder(),
    decode: decodeJson,
    hashOf: (hash, identity, values, at) => hash(Buffer.from(`[${keyText(identity)},${valueText(values[at])}]`)),
  };
}

/**
 * The same for values that are changed in place: by an operator, or by functions of its user. The value must be asked for, by `change`,
 * before it is changed: what a checkpoint is writing is copied then.
 *
 * @example
 * const values = state.change(slot);
 * const at = state.offset(slot);
 * values[at] = accumulate(values[at], event);
 */
export function objectCodec<V = unknown>(clone: (value: V) => V = cloned): StateCodec<V, unknown[]> {
  return {
    ...jsonCodec<V>(),
    copy: (from, fromAt, to, toAt) => {
      to[toAt] = clone(from[fromAt] as V);
    },
  };
}

/** As it will be read: what cannot be kept must not end the turn in which a page is copied, but the checkpoint that writes it. */
function cloned<V>(value: V): V {
  if (typeof value !== 'object' || value === null) return value;
  try {
    return structuredClone(value);
  } catch {
    return value;
  }
}

class JsonEncoder implements EntriesEncoder<unknown[]> {
  count = 0;
  #text = '';

  get isFull(): boolean {
    return this.count >= ENTRIES_MAX || this.#text.length >= TEXT_MAX;
  }

  add(slot: number, identity: Identity, values: unknown[], at: number): void {
    this.#text += `${this.count === 0 ? '[' : ','}[${slot},${keyText(identity)},${valueText(values[at])}]`;
    this.count++;
  }

  finish(): Uint8Array {
    const body = paddedText(`${this.#text}]`);
    this.#text = '';
    this.count = 0;
    return body;
  }
}

function decodeJson(body: Uint8Array, count: number): Entries<unknown[]> | null {
  const rows = valuesOf(textOf(body)) as [slot: number, key: StateKey, value: unknown][] | null;
  if (rows?.length !== count) return null;
  return {
    slots: rows.map(([slot]) => slot),
    keys: rows.map(([, key]) => identityOf(key)),
    values: rows.map(([, , value]) => value),
  };
}

/** The bytes of a text, filled up with spaces to a multiple of 8; `before` bytes are left free in front of it. */
export function paddedText(text: string, before = 0): Buffer<ArrayBuffer> {
  const length = Buffer.byteLength(text);
  const bytes = Buffer.allocUnsafeSlow(aligned(before + length));
  bytes.write(text, before);
  return bytes.fill(0x20, before + length);
}

export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}
