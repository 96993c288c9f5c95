import { firstWhere } from '../../wal/first-where.js';
import type { RowCodec, RowReader } from '../row-codec.js';
import type { RowFilter } from './filter.js';
import type { Loaded, LoadedBatch } from './load.js';

/** Events from `from` to before `to`, by lsn. */
export interface LsnRange {
  readonly from: number;
  readonly to: number;
}

interface Source<T> {
  readonly read: RowReader<T>;
  readonly lsnOf: (row: number) => number;
}

/** Wanted rows of one unit, in order: they are made when they are visited. */
export class Piece<T> {
  private constructor(
    private readonly sources: readonly Source<T>[],
    private readonly rows: Uint32Array,
    /** Which source each row is of; `null` where there is only one. */
    private readonly sourceOf: Uint8Array | null,
  ) {}

  static of<T>({ unit, batches }: Loaded, codec: RowCodec<T>, filter: RowFilter, range: LsnRange): Piece<T> {
    const sources = batches.map(({ batch, lsnOf }) => ({ read: codec.reader(batch), lsnOf }));
    const selected = batches.map((loaded) =>
      filter.select(loaded.batch, within(loaded, unit, range), unit.firstLsn, loaded.lsnOf),
    );
    if (selected.length === 1) return new Piece(sources, selected[0]!, null);
    return merged(sources, selected, (rows, sourceOf) => new Piece(sources, rows, sourceOf));
  }

  get count(): number {
    return this.rows.length;
  }

  /**
   * Gives rows from `from` up to before `to` to `take` until it wants no more. Returns the number of the row that comes next. Where
   * lsns are not wanted, each is 0: to look for them takes as long as to make a row.
   */
  visit(from: number, to: number, withLsns: boolean, take: (row: T, lsn: number) => boolean): number {
    const { rows, sources, sourceOf } = this;
    const end = Math.min(to, rows.length);
    let at = from;
    if (sourceOf === null && at < end) {
      const { read, lsnOf } = sources[0]!;
      if (!withLsns) {
        for (let wantsMore = true; wantsMore && at < end; at++) wantsMore = take(read(rows[at]!), 0);
        return at;
      }
      for (let wantsMore = true; wantsMore && at < end; at++) wantsMore = take(read(rows[at]!), lsnOf(rows[at]!));
      return at;
    }
    for (let wantsMore = true; wantsMore && at < end; at++) {
      const { read, lsnOf } = sources[sourceOf![at]!]!;
      wantsMore = take(read(rows[at]!), lsnOf(rows[at]!));
    }
    return at;
  }

  /** The lsn of the row with this number. */
  lsnAt(at: number): number {
    return this.sources[this.sourceOf?.[at] ?? 0]!.lsnOf(this.rows[at]!);
  }

  /** The lsn of the first row; `null` where there is none. */
  get firstLsn(): number | null {
    if (this.rows.length === 0) return null;
    return this.sources[this.sourceOf?.[0] ?? 0]!.lsnOf(this.rows[0]!);
  }

  /** The same rows, the last one first. */
  reversed(): Piece<T> {
    return new Piece(this.sources, this.rows.slice().reverse(), this.sourceOf?.slice().reverse() ?? null);
  }
}

/** The rows in a range of lsns, in order. */
function within(
  { order, lsnOf }: LoadedBatch,
  unit: { readonly firstLsn: number; readonly lastLsn: number },
  { from, to }: LsnRange,
): Uint32Array {
  const rows = order();
  if (from <= unit.firstLsn && to > unit.lastLsn) return rows;
  const firstAt = (lsn: number) => firstWhere(0, rows.length, (at) => lsnOf(rows[at]!) >= lsn);
  return rows.subarray(firstAt(from), firstAt(to));
}

/** Rows of several batches, each in order, as one sequence. */
function merged<T, R>(
  sources: readonly Source<T>[],
  selected: readonly Uint32Array[],
  make: (rows: Uint32Array, sourceOf: Uint8Array) => R,
): R {
  const total = selected.reduce((sum, { length }) => sum + length, 0);
  const rows = new Uint32Array(total);
  const sourceOf = new Uint8Array(total);
  const next = selected.map(() => 0);
  const lsnAt = (source: number): number => {
    const row = selected[source]![next[source]!];
    return row === undefined ? Infinity : sources[source]!.lsnOf(row);
  };
  const heads = selected.map((_, source) => lsnAt(source));
  for (let at = 0; at < total; at++) {
    let first = 0;
    for (let source = 1; source < heads.length; source++) if (heads[source]! < heads[first]!) first = source;
    rows[at] = selected[first]![next[first]!++]!;
    sourceOf[at] = first;
    heads[first] = lsnAt(first);
  }
  return make(rows, sourceOf);
}
