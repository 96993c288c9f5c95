import { MillraceError } from '../errors.js';
import { aligned } from '../wal/format.js';
import type { Hash } from '../wal/hash.js';
import { type Entries, type EntriesEncoder, paddedText, type StateCodec, textOf } from './state-codec.js';
import { type Identity, identityOf, keyText, type StateKey, valuesOf } from './state-key.js';

const ENTRIES_MAX = 2048;
const BYTES_MAX = 256 * 1024;

/** What may be set: an array or typed array of as many numbers as the codec has fields. */
export type Numbers = ArrayLike<number>;

/**
 * Values that are a fixed number of float64 fields each, interleaved in one `Float64Array` a page. `get` gives a copy; the
 * fast way is `change(slot)` and `offset(slot)` of the state, which give the array itself. In a file: the slots (32 bit, then zeros
 * up to a multiple of 8), the fields, the keys as a canonical JSON array, then spaces.
 *
 * @param fields numbers for each key, at least 1
 * @example
 * const sums = new KeyedState<string, Numbers, Float64Array>('sums', columnarCodec(2));
 * const slot = sums.claim('a7');
 * const values = sums.change(slot);
 * values[sums.offset(slot)] += 21.5;
 */
export function columnarCodec(fields: number): StateCodec<Numbers, Float64Array> {
  if (!Number.isInteger(fields) || fields < 1 || fields > 65_535)
    throw new MillraceError('INVALID_ARGUMENT', `A columnar state has 1 to 65,535 fields, not ${fields}.`);
  const scratch = new Float64Array(fields);
  const scratchBytes = bytesOf(scratch);
  return {
    code: 2,
    stride: fields,
    allocate: (keys) => new Float64Array(keys * fields),
    check: (value) => {
      if (value.length !== fields)
        throw new MillraceError('INVALID_ARGUMENT', `A value of this state has ${fields} fields, not ${value.length}.`);
    },
    get: (values, at) => values.slice(at, at + fields),
    set: (values, at, value) => {
      for (let field = 0; field < fields; field++) values[at + field] = value[field]!;
    },
    clear: (values, at) => {
      values.fill(0, at, at + fields);
    },
    copy: (from, fromAt, to, toAt) => {
      for (let field = 0; field < fields; field++) to[toAt + field] = from[fromAt + field]!;
    },
    encoder: () => new ColumnarEncoder(fields),
    decode: (body, count) => decodeColumnar(body, count, fields),
    hashOf: (hash: Hash, identity, values, at) => {
      for (let field = 0; field < fields; field++) {
        const value = values[at + field]!;
        // One NaN for all: which bits a computed one has depends on how it was computed.
        scratch[field] = Number.isNaN(value) ? Number.NaN : value;
      }
      return hash(scratchBytes, hash(Buffer.from(keyText(identity))));
    },
  };
}

class ColumnarEncoder implements EntriesEncoder<Float64Array> {
  count = 0;
  readonly #entriesMax: number;
  readonly #slots: Uint32Array<ArrayBuffer>;
  readonly #values: Float64Array<ArrayBuffer>;
  #keys = '';

  constructor(private readonly fields: number) {
    this.#entriesMax = Math.max(1, Math.min(ENTRIES_MAX, Math.floor(BYTES_MAX / (fields * 8))));
    this.#slots = new Uint32Array(this.#entriesMax);
    this.#values = new Float64Array(this.#entriesMax * fields);
  }

  get isFull(): boolean {
    return this.count >= this.#entriesMax || this.#keys.length >= BYTES_MAX;
  }

  add(slot: number, identity: Identity, values: Float64Array, at: number): void {
    const to = this.count * this.fields;
    for (let field = 0; field < this.fields; field++) this.#values[to + field] = values[at + field]!;
    this.#keys += (this.count === 0 ? '[' : ',') + keyText(identity);
    this.#slots[this.count++] = slot;
  }

  finish(): Uint8Array {
    const { count, fields } = this;
    const valuesAt = aligned(count * 4);
    const keysAt = valuesAt + count * fields * 8;
    const body = paddedText(`${this.#keys}]`, keysAt);
    body.set(bytesOf(this.#slots.subarray(0, count)), 0);
    body.fill(0, count * 4, valuesAt);
    body.set(bytesOf(this.#values.subarray(0, count * fields)), valuesAt);
    this.#keys = '';
    this.count = 0;
    return body;
  }
}

function decodeColumnar(body: Uint8Array, count: number, fields: number): Entries<Float64Array> | null {
  const valuesAt = aligned(count * 4);
  const keysAt = valuesAt + count * fields * 8;
  if (keysAt > body.length) return null;
  const keys = valuesOf(textOf(body.subarray(keysAt))) as StateKey[] | null;
  if (keys?.length !== count) return null;
  // Copied where it does not lie in what was read as the arrays must.
  const { buffer, byteOffset } = body.byteOffset % 8 === 0 ? body : body.slice(0, keysAt);
  const slots = new Uint32Array(buffer, byteOffset, count);
  const values = new Float64Array(buffer, byteOffset + valuesAt, count * fields);
  return { slots, keys: keys.map(identityOf), values };
}

function bytesOf(array: Uint32Array<ArrayBuffer> | Float64Array<ArrayBuffer>): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
