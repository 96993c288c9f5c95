/** An event entry as it lies in a frame, and where its rows stand. */
export interface PlacedEntry {
  readonly bytes: Uint8Array;
  /** The lsn of the commit's first event: the orders in the entry count from there. */
  readonly firstLsn: number;
  /** Where each row stands, in rising order, if the orders do not say it: rows of derived streams, rows of segments. */
  readonly positions?: RowPositions;
}

export interface RowPositions {
  readonly lsns: Float64Array;
  /** `null` where every index is 0. */
  readonly indexes: Int32Array | null;
}

/** Numbers of a row of the table: chunk, offset of the entry, first lsn, offset of the positions or -1. */
const TABLE_WIDTH = 4;
const ALIGNMENT = 8;
/** Many small chunks would cost more than a copy. */
const CHUNK_BYTES_MIN = 65_536;

/**
 * Event entries as the input of a job: a table, then the chunks of memory that hold the entries. Entries that lie in shared
 * memory, in larger chunks, stay where they are; the others are copied together into one shared chunk.
 */
export function packEntries(entries: Iterable<PlacedEntry>): Uint8Array[] {
  const list = [...entries];
  const chunks = new Map<ArrayBufferLike, number>();
  const arena = new Arena(list.reduce((sum, entry) => sum + bytesToCopy(entry), 0));
  const table = new Float64Array(new SharedArrayBuffer(list.length * TABLE_WIDTH * 8));
  list.forEach((entry, at) => {
    const { bytes, firstLsn, positions } = entry;
    const place = staysWhereItIs(entry) ? bytes : arena.add(bytes);
    let chunk = chunks.get(place.buffer);
    if (chunk === undefined) chunks.set(place.buffer, (chunk = chunks.size + 1));
    table.set([chunk, place.byteOffset, firstLsn, positions ? arena.addPositions(positions) : -1], at * TABLE_WIDTH);
  });
  return [new Uint8Array(table.buffer), ...[...chunks.keys()].map((buffer) => new Uint8Array(buffer))];
}

/** The same of entries that are all copied into one piece of shared memory, as its bytes come. */
export class CopiedEntries {
  readonly input: readonly [table: Uint8Array, chunk: Uint8Array] & Uint8Array[];
  private readonly table: Float64Array;
  private placed = 0;
  private end = 0;
  private filled = 0;

  /** Of so many entries, with so many bytes together. */
  constructor(count: number, bytes: number, memory: (bytes: number) => SharedArrayBuffer) {
    const tableBytes = count * TABLE_WIDTH * 8;
    const shared = memory(tableBytes + bytes);
    this.table = new Float64Array(shared, 0, count * TABLE_WIDTH);
    this.input = [new Uint8Array(shared, 0, tableBytes), new Uint8Array(shared, tableBytes, bytes)];
  }

  /** The next entry has so many bytes. */
  place(length: number, firstLsn: number): void {
    const at = this.placed++ * TABLE_WIDTH;
    this.table[at] = 1;
    this.table[at + 1] = this.end;
    this.table[at + 2] = firstLsn;
    this.table[at + 3] = -1;
    this.end += length;
  }

  /** The bytes of entries, one behind the other. */
  fill(bytes: Uint8Array): void {
    this.input[1].set(bytes, this.filled);
    this.filled += bytes.length;
  }
}

/** Positions are looked for in the chunk of their entry, so such an entry is copied with them. */
function staysWhereItIs({ bytes, positions }: PlacedEntry): boolean {
  const isChunk = bytes.buffer instanceof SharedArrayBuffer && bytes.buffer.byteLength >= CHUNK_BYTES_MIN;
  return isChunk && bytes.byteOffset % ALIGNMENT === 0 && positions === undefined;
}

function bytesToCopy(entry: PlacedEntry): number {
  if (staysWhereItIs(entry)) return 0;
  const { bytes, positions } = entry;
  return aligned(bytes.length) + (positions ? aligned(positions.lsns.length * 12) : 0);
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

class Arena {
  private readonly buffer: SharedArrayBuffer;
  private used = 0;

  constructor(capacity: number) {
    this.buffer = new SharedArrayBuffer(capacity);
  }

  add(bytes: Uint8Array): Uint8Array {
    const place = new Uint8Array(this.buffer, this.used, bytes.length);
    place.set(bytes);
    this.used += aligned(bytes.length);
    return place;
  }

  /** Gives their offset: first the lsns, then the indexes. */
  addPositions({ lsns, indexes }: RowPositions): number {
    const offset = this.used;
    new Float64Array(this.buffer, offset, lsns.length).set(lsns);
    if (indexes) new Int32Array(this.buffer, offset + lsns.length * 8, lsns.length).set(indexes);
    this.used += aligned(lsns.length * 12);
    return offset;
  }
}

/** Typed arrays over a whole chunk: an entry of one row is not worth a view of its own. */
export interface Chunk {
  readonly bytes: Uint8Array;
  readonly text: Buffer;
  readonly uint32: Uint32Array;
  readonly int32: Int32Array;
  readonly float32: Float32Array;
  readonly float64: Float64Array;
  readonly int64: BigInt64Array;
}

/** The entries of a job's input. */
export class PackedEntries {
  readonly count: number;
  private readonly table: Float64Array;
  private readonly chunks: readonly Chunk[];

  constructor(input: readonly Uint8Array[]) {
    const [table, ...chunks] = input as [Uint8Array, ...Uint8Array[]];
    this.table = new Float64Array(table.buffer, table.byteOffset, table.byteLength >> 3);
    this.count = this.table.length / TABLE_WIDTH;
    this.chunks = chunks.map(chunkOf);
  }

  chunk(entry: number): Chunk {
    return this.chunks[this.table[entry * TABLE_WIDTH]! - 1]!;
  }

  offset(entry: number): number {
    return this.table[entry * TABLE_WIDTH + 1]!;
  }

  firstLsn(entry: number): number {
    return this.table[entry * TABLE_WIDTH + 2]!;
  }

  positionsOffset(entry: number): number {
    return this.table[entry * TABLE_WIDTH + 3]!;
  }
}

function chunkOf(bytes: Uint8Array): Chunk {
  const { buffer, byteOffset, byteLength } = bytes;
  const [fours, eights] = [byteLength >> 2, byteLength >> 3];
  return {
    bytes,
    text: Buffer.from(buffer, byteOffset, byteLength),
    uint32: new Uint32Array(buffer, byteOffset, fours),
    int32: new Int32Array(buffer, byteOffset, fours),
    float32: new Float32Array(buffer, byteOffset, fours),
    float64: new Float64Array(buffer, byteOffset, eights),
    int64: new BigInt64Array(buffer, byteOffset, eights),
  };
}
