import { CopiedEntries } from './segments/packed-entries.js';

/** Numbers of an entry in a table of entries. */
export const [CHUNK, OFFSET, FIRST_LSN, LAST_LSN, LENGTH] = [0, 1, 2, 3, 4] as const;
export const ENTRY_NUMBERS = 5;

/** Unsaved entries of one stream as they were at one moment, in the order of their commits. Nothing is copied yet. */
export class EntryList {
  constructor(
    private readonly table: Float64Array,
    /** The chunks from that of the first entry on. */
    private readonly chunks: readonly Uint8Array[],
  ) {}

  get count(): number {
    return this.table.length / ENTRY_NUMBERS;
  }

  private number(entry: number, column: number): number {
    return this.table[entry * ENTRY_NUMBERS + column]!;
  }

  /** Whole commits from an entry on, of about so many bytes, as the input of a job; gives with which entry the next portion begins. */
  portion(from: number, bytesMax: number, transport: Transport): { readonly input: Uint8Array[]; readonly to: number } {
    let to = from;
    let bytes = 0;
    while (to < this.count && (bytes < bytesMax || this.isOfCommitBefore(to))) bytes += this.number(to++, LENGTH);
    const copies = new CopiedEntries(to - from, bytes, (length) => transport.take(length));
    // Entries that lie one behind the other are copied together: there may be a hundred thousand small ones.
    for (let first = from; first < to; ) {
      const end = this.endOfRun(first, to);
      for (let entry = first; entry < end; entry++)
        copies.place(this.number(entry, LENGTH), this.number(entry, FIRST_LSN));
      const start = this.number(first, OFFSET);
      const stop = this.number(end - 1, OFFSET) + this.number(end - 1, LENGTH);
      copies.fill(this.chunks[this.number(first, CHUNK) - this.table[CHUNK]!]!.subarray(start, stop));
      first = end;
    }
    return { input: copies.input, to };
  }

  private endOfRun(first: number, to: number): number {
    let end = first + 1;
    while (
      end < to &&
      this.number(end, CHUNK) === this.number(first, CHUNK) &&
      this.number(end, OFFSET) === this.number(end - 1, OFFSET) + this.number(end - 1, LENGTH)
    )
      end++;
    return end;
  }

  private isOfCommitBefore(entry: number): boolean {
    return entry > 0 && this.number(entry, FIRST_LSN) === this.number(entry - 1, FIRST_LSN);
  }
}

const TRANSPORT_BYTES_MIN = 64 * 1024;

/**
 * Shared memory in which jobs find their input, for two of them in turns: it is used again when the one before the last has
 * answered. A thread keeps what it was once given until it collects its garbage: with memory of its own for every job, that
 * would be far more than is in use.
 */
export class Transport {
  private memories = [new SharedArrayBuffer(0), new SharedArrayBuffer(0)];

  take(bytes: number): SharedArrayBuffer {
    this.memories.reverse();
    if (this.memories[0]!.byteLength < bytes) {
      let length = TRANSPORT_BYTES_MIN;
      while (length < bytes) length *= 2;
      this.memories[0] = new SharedArrayBuffer(length);
    }
    return this.memories[0]!;
  }
}
