import { firstWhere } from '../wal/first-where.js';
import { CHUNK, EntryList, FIRST_LSN, LAST_LSN, LENGTH, OFFSET, ENTRY_NUMBERS as WIDTH } from './entry-list.js';
import type { UnsavedChunks } from './unsaved-chunks.js';

const ENTRIES_AT_FIRST = 16;

/** Where an entry is, and what is in it. */
export interface UnsavedEntry {
  readonly chunk: number;
  readonly offset: number;
  readonly length: number;
  /** Of its commit. */
  readonly firstLsn: number;
  readonly lastLsn: number;
  readonly rows: number;
}

/** The unsaved entries of one stream, in the order of their commits. Entries are counted from the first there ever was. */
export class UnsavedStream {
  private table = new Float64Array(ENTRIES_AT_FIRST * WIDTH);
  private count = 0;
  private released = 0;
  rows = 0;

  constructor(private readonly chunks: UnsavedChunks) {}

  /** How many entries there ever were. */
  get added(): number {
    return this.released + this.count;
  }

  add({ chunk, offset, length, firstLsn, lastLsn, rows }: UnsavedEntry): void {
    const at = this.count * WIDTH;
    if (at === this.table.length) {
      const larger = new Float64Array(this.table.length * 2);
      larger.set(this.table);
      this.table = larger;
    }
    this.table[at + CHUNK] = chunk;
    this.table[at + OFFSET] = offset;
    this.table[at + FIRST_LSN] = firstLsn;
    this.table[at + LAST_LSN] = lastLsn;
    this.table[at + LENGTH] = length;
    this.count++;
    this.rows += rows;
  }

  release(before: number, rows: number): void {
    const count = before - this.released;
    const left = this.table.slice(count * WIDTH, this.count * WIDTH);
    this.table = new Float64Array(Math.max(ENTRIES_AT_FIRST * WIDTH, left.length));
    this.table.set(left);
    this.count -= count;
    this.released = before;
    this.rows -= rows;
  }

  private number(entry: number, column: number): number {
    return this.table[(entry - this.released) * WIDTH + column]!;
  }

  /** The lsn of the first event of the entry's commit. */
  firstLsn(entry: number): number {
    return this.number(entry, FIRST_LSN);
  }

  /** The lsn of the last event of the entry's commit. */
  lastLsn(entry: number): number {
    return this.number(entry, LAST_LSN);
  }

  /** The first entry whose commit has an event with this lsn or a higher one; `added` where there is none. */
  entryFrom(lsn: number): number {
    return firstWhere(this.released, this.added, (entry) => this.lastLsn(entry) >= lsn);
  }

  /** The first entry that is held. */
  get first(): number {
    return this.released;
  }

  /** The bytes of an entry, in place: they stay readable also when the entry was released. */
  entry(at: number): Uint8Array {
    const chunk = this.chunks.at(this.number(at, CHUNK));
    const offset = this.number(at, OFFSET);
    return chunk.subarray(offset, offset + this.number(at, LENGTH));
  }

  /** The entries before this one, as they are now, for someone who is through before they are released. */
  entries(before: number): EntryList {
    const table = this.table.slice(0, (before - this.released) * WIDTH);
    const last = table[table.length - WIDTH + CHUNK] ?? 0;
    return new EntryList(table, this.chunks.range(table[CHUNK] ?? 0, last));
  }

  /** All entries, as they are now. They stay readable also when they are released. */
  allEntries(): EntryList {
    for (let entry = this.first; entry < this.added; entry++) this.chunks.at(this.number(entry, CHUNK));
    return this.entries(this.added);
  }
}
