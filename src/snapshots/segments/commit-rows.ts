import { EntryCursor } from './entry-cursor.js';
import type { KeyTable } from './key-table.js';
import type { StagedBlock } from './staged-block.js';

/** The rows of one stream in one commit, which several entries have: of each VGroup one. Blocks are cut between any two of them. */
export class CommitRows {
  private cursors: EntryCursor[] = [new EntryCursor()];
  private sources: (readonly number[])[] = [];
  private count = 0;

  constructor(private readonly keys: KeyTable) {}

  get isEmpty(): boolean {
    return this.count === 0;
  }

  /** A cursor that stands on nothing. */
  spare(): EntryCursor {
    return this.cursors[this.count]!;
  }

  get last(): EntryCursor {
    return this.cursors[this.count - 1]!;
  }

  /** Takes the entry that the spare cursor was opened on. */
  push(sources: readonly number[]): void {
    this.sources[this.count++] = sources;
    if (this.count === this.cursors.length) this.cursors.push(new EntryCursor());
  }

  /** The same, and forgets the others. */
  restart(sources: readonly number[]): void {
    const { cursors, count } = this;
    [cursors[0], cursors[count]] = [cursors[count]!, cursors[0]!];
    this.count = 0;
    this.push(sources);
  }

  get rowsLeft(): number {
    let rows = 0;
    for (let at = 0; at < this.count; at++) rows += this.cursors[at]!.rows - this.cursors[at]!.next;
    return rows;
  }

  /**
   * The order up to which the rows that are left can be taken, if there is room for so many rows and bytes of variable
   * values; at least one row where `atLeastOne` is set.
   */
  cut(rows: number, bytes: number, atLeastOne: boolean): number {
    if (this.rowsLeft <= rows && this.bytesBefore(Number.POSITIVE_INFINITY) <= bytes) return Number.POSITIVE_INFINITY;
    let low = Number.POSITIVE_INFINITY;
    let high = 0;
    for (let at = 0; at < this.count; at++) {
      const cursor = this.cursors[at]!;
      if (cursor.next === cursor.rows) continue;
      low = Math.min(low, cursor.orderOf(cursor.next));
      high = Math.max(high, cursor.orderOf(cursor.rows - 1) + 1);
    }
    const first = low;
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (this.rowsBefore(middle) <= rows && this.bytesBefore(middle) <= bytes) low = middle;
      else high = middle;
    }
    return atLeastOne ? Math.max(low, first + 1) : low;
  }

  private rowsBefore(order: number): number {
    let rows = 0;
    for (let at = 0; at < this.count; at++) rows += this.cursors[at]!.rowFrom(order) - this.cursors[at]!.next;
    return rows;
  }

  /** Bytes of variable values of the rows that are left before an order. */
  bytesBefore(order: number): number {
    let bytes = 0;
    for (let at = 0; at < this.count; at++) {
      const cursor = this.cursors[at]!;
      const to = cursor.rowFrom(order);
      bytes += cursor.variableBytes(to) + this.keys.longTextBytes(cursor, to);
    }
    return bytes;
  }

  takeBefore(order: number, staged: StagedBlock): void {
    for (let at = 0; at < this.count; at++) {
      const cursor = this.cursors[at]!;
      const to = cursor.rowFrom(order);
      if (to > cursor.next) staged.take(cursor, to, this.sources[at]!);
    }
  }
}
