import type { ColumnLayout } from '../../wal/column.js';
import { BLOCK_BYTES_MAX, BLOCK_ROWS_MAX, type Key } from '../segment-format.js';
import type { EntryCursor } from './entry-cursor.js';
import { keyOrder } from './key-ranks.js';

/** In a block, keys of so many bytes are not worth counting. */
const SHORT_TEXT_BYTES = BLOCK_BYTES_MAX / BLOCK_ROWS_MAX;

/**
 * The distinct keys of a segment that is being built. Entries are taken one after the other; each of their keys gets a
 * number. When all are there they are ranked, once, so that rows can be sorted by counting.
 */
export class KeyTable {
  private readonly keys: Key[] = [];
  /** Bytes of the text in each key. */
  private readonly textBytes: number[] = [];
  private textBytesMax = 0;
  private readonly numbers = new Map<unknown, number>();
  /** The number of each key of each entry. */
  private entryKeys = new Uint32Array(1024);
  private entryKeysUsed = 0;
  private readonly firstOfEntry: Uint32Array;
  private ranks = new Uint32Array(0);
  private byRank: Key[] = [];

  /** `columns` are the key columns. */
  constructor(
    private readonly columns: readonly ColumnLayout[],
    entries: number,
  ) {
    this.firstOfEntry = new Uint32Array(entries);
  }

  /** Takes the keys of the next entry; `places` are the numbers of the key columns in it. */
  add(cursor: EntryCursor, places: readonly number[]): void {
    this.firstOfEntry[cursor.entry] = this.entryKeysUsed;
    if (this.entryKeysUsed + cursor.keys > this.entryKeys.length) this.grow(cursor.keys);
    for (let key = 0; key < cursor.keys; key++)
      this.entryKeys[this.entryKeysUsed++] = this.numberOf(cursor, places, key);
  }

  private grow(more: number): void {
    const larger = new Uint32Array(this.entryKeys.length * 2 + more);
    larger.set(this.entryKeys);
    this.entryKeys = larger;
  }

  private numberOf(cursor: EntryCursor, places: readonly number[], at: number): number {
    const first = this.part(cursor, places[0]!, 0, at);
    if (this.columns.length === 1) return this.numbers.get(first) ?? this.newNumber(first, [first]);
    const key = places.map((place, column) => this.part(cursor, place, column, at));
    const identity = key.map((part) => (typeof part === 'string' ? `${part.length}:${part}` : `${part};`)).join('');
    return this.numbers.get(identity) ?? this.newNumber(identity, key);
  }

  private newNumber(identity: unknown, key: Key): number {
    const number = this.keys.push(key) - 1;
    const bytes = key.reduce((sum: number, part) => sum + (typeof part === 'string' ? Buffer.byteLength(part) : 0), 0);
    this.textBytes.push(bytes);
    this.textBytesMax = Math.max(this.textBytesMax, bytes);
    this.numbers.set(identity, number);
    return number;
  }

  private part({ chunk, offsetsAt, valuesAt }: EntryCursor, place: number, column: number, at: number): Key[number] {
    const values = valuesAt[place]!;
    switch (this.columns[column]!.type) {
      case 'int32':
        return chunk.int32[(values >> 2) + at]!;
      case 'int64':
        return chunk.int64[(values >> 3) + at]!;
      case 'bool':
        return chunk.bytes[values + at] === 1;
      default: {
        const offsets = (offsetsAt[place]! >> 2) + at;
        return chunk.text.toString('utf8', values + chunk.uint32[offsets]!, values + chunk.uint32[offsets + 1]!);
      }
    }
  }

  /** To be called when all entries are there. */
  rank(): void {
    const sorted = keyOrder(this.keys);
    this.ranks = new Uint32Array(sorted.length);
    for (let rank = 0; rank < sorted.length; rank++) this.ranks[sorted[rank]!] = rank;
    this.byRank = Array.from(sorted, (number) => this.keys[number]!);
  }

  get count(): number {
    return this.keys.length;
  }

  /** The rank of a key of an entry. */
  rankOf(entry: number, key: number): number {
    return this.ranks[this.numberIn(entry, key)]!;
  }

  private numberIn(entry: number, key: number): number {
    return this.entryKeys[this.firstOfEntry[entry]! + key]!;
  }

  /** Bytes that the keys of an entry's next rows, up to a row, take in a block; 0 where keys are short. */
  longTextBytes({ entry, next, keyIndexAt, chunk }: EntryCursor, to: number): number {
    if (this.textBytesMax <= SHORT_TEXT_BYTES) return 0;
    let bytes = 0;
    for (let row = next; row < to; row++)
      bytes += this.textBytes[this.numberIn(entry, chunk.uint32[keyIndexAt + row]!)]!;
    return bytes;
  }

  key(rank: number): Key {
    return this.byRank[rank]!;
  }
}
