const NOTHING = new Uint8Array(0);
const ZEROS = new Uint8Array(65_536);

/**
 * The contents of a simulated file. Zeros past the last byte that was written otherwise take no memory, so a large
 * zero-filled file costs as much as what was written into it.
 */
export class SparseBytes {
  /** Zero beyond `#used`. */
  #bytes: Uint8Array = NOTHING;
  #used = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  clone(): SparseBytes {
    const copy = new SparseBytes();
    copy.#bytes = this.#bytes.slice(0, this.#used);
    copy.#used = this.#used;
    copy.#length = this.#length;
    return copy;
  }

  /** A copy of the bytes from `position` to `end`, as far as the file goes. */
  read(position: number, end: number): Uint8Array {
    const last = Math.min(end, this.#length);
    const copy = new Uint8Array(Math.max(0, last - position));
    copy.set(this.#bytes.subarray(position, Math.min(last, this.#used)));
    return copy;
  }

  /** Like `read`, but without the zeros that take no memory: what is missing at its end is zero. */
  stored(position: number, end: number): Uint8Array {
    const last = Math.min(end, this.#used);
    return last <= position ? NOTHING : this.#bytes.slice(position, last);
  }

  write(position: number, bytes: Uint8Array): void {
    const end = position + bytes.length;
    if (bytes.length === 0) return;
    if (position < this.#used || !isZero(bytes)) {
      this.#reserve(end);
      this.#bytes.set(bytes, position);
      this.#used = Math.max(this.#used, end);
    }
    this.#length = Math.max(this.#length, end);
  }

  /** Writes what `stored` gave: the bytes, then zeros up to `end`. */
  restore(position: number, bytes: Uint8Array, end: number): void {
    if (end <= position) return;
    const rest = position + Math.min(bytes.length, end - position);
    this.write(position, bytes.subarray(0, end - position));
    if (rest < this.#used) this.#bytes.fill(0, rest, Math.min(end, this.#used));
    this.#length = Math.max(this.#length, end);
  }

  /** Cuts the file, or lengthens it by zeros. */
  resize(length: number): void {
    if (length < this.#used) {
      this.#bytes.fill(0, length, this.#used);
      this.#used = length;
    }
    this.#length = length;
  }

  #reserve(end: number): void {
    if (end <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(end, 2 * this.#bytes.length, 256));
    larger.set(this.#bytes.subarray(0, this.#used));
    this.#bytes = larger;
  }
}

function isZero(bytes: Uint8Array): boolean {
  for (let from = 0; from < bytes.length; from += ZEROS.length) {
    const part = bytes.subarray(from, from + ZEROS.length);
    if (part[0] !== 0 || Buffer.compare(part, ZEROS.subarray(0, part.length)) !== 0) return false;
  }
  return true;
}
