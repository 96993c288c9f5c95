/** The first chunk, so that little data takes little room; each is twice as large as the one before. */
const CHUNK_BYTES_MIN = 64 * 1024;
const CHUNK_BYTES_MAX = 4 * 1024 * 1024;
/** Chunks that are kept for later, once there were so many. */
const SPARE_MAX = 16;

/**
 * Memory that entries are copied into, one after the other. Chunks are counted from the first there ever was. A chunk that was
 * released is filled again, unless someone has looked into it, who may still do so: fresh memory costs more time than filling
 * it, and what was given back stays with the process for long.
 */
export class UnsavedChunks {
  private chunks: Uint8Array[] = [];
  private readonly seen = new Set<Uint8Array>();
  private spare: Uint8Array[] = [];
  private released = 0;
  private used = 0;
  private nextBytes = CHUNK_BYTES_MIN;

  /** The number of the chunk that fills, or of the first one to come. */
  get last(): number {
    return this.released + Math.max(0, this.chunks.length - 1);
  }

  add(bytes: Uint8Array): { readonly chunk: number; readonly offset: number } {
    let chunk = this.chunks.at(-1);
    if (chunk === undefined || this.used + bytes.length > chunk.length) {
      chunk = this.fresh(bytes.length);
      this.chunks.push(chunk);
      this.used = 0;
    }
    const offset = this.used;
    chunk.set(bytes, offset);
    this.used += bytes.length;
    return { chunk: this.released + this.chunks.length - 1, offset };
  }

  private fresh(bytesMin: number): Uint8Array {
    if (bytesMin <= CHUNK_BYTES_MAX && this.spare.length > 0) return this.spare.pop()!;
    const chunk = new Uint8Array(Math.max(this.nextBytes, bytesMin));
    this.nextBytes = Math.min(this.nextBytes * 2, CHUNK_BYTES_MAX);
    return chunk;
  }

  /** A chunk for someone who may look into it also after it was released. */
  at(chunk: number): Uint8Array {
    const found = this.chunks[chunk - this.released]!;
    this.seen.add(found);
    return found;
  }

  /** The chunks from one to another, for someone who does not look into them after they were released. */
  range(first: number, last: number): Uint8Array[] {
    return this.chunks.slice(first - this.released, last - this.released + 1);
  }

  /** Lets go of the chunks before this one. */
  release(chunk: number): void {
    for (const old of this.chunks.splice(0, chunk - this.released)) {
      const wasSeen = this.seen.delete(old);
      if (!wasSeen && old.length === CHUNK_BYTES_MAX && this.spare.length < SPARE_MAX) this.spare.push(old);
    }
    this.released = chunk;
    // Little came meanwhile: it is quiet.
    if (this.chunks.length <= 1) this.spare = [];
  }
}
