import { isBefore, type RowPosition } from '../../snapshots/row-position.js';
import { firstWhere } from '../../wal/first-where.js';
import type { BatchRows, RowCodec } from '../row-codec.js';
import type { RowFilter } from './filter.js';
import type { Loaded, LoadedBatch } from './load.js';
import type { Unit } from './units.js';

/** Events from `from` to before `to`, by position. */
export interface PositionRange {
  readonly from: RowPosition;
  readonly to: RowPosition;
}

interface Source<T> extends BatchRows<T>, Pick<LoadedBatch, 'lsnOf' | 'indexOf'> {}

/** Wanted rows of one unit, in order: they are made when they are visited. */
export class Piece<T> {
  private constructor(
    private readonly sources: readonly Source<T>[],
    private readonly rows: Uint32Array,
    /** Which source each row is of; `null` where there is only one. */
    private readonly sourceOf: Uint8Array | null,
    /** Said by whoever has all rows that he wants: from then on the piece must not be used. */
    readonly giveBack: () => void,
  ) {}

  static of<T>(
    { unit, batches, giveBack }: Loaded,
    codec: RowCodec<T>,
    filter: RowFilter,
    range: PositionRange,
  ): Piece<T> {
    const sources = batches.map(({ batch, lsnOf, indexOf }) => ({ ...codec.rowsOf(batch), lsnOf, indexOf }));
    const selected = batches.map((loaded) =>
      filter.select(loaded.batch, within(loaded, unit, range), unit.start.lsn, loaded.lsnOf),
    );
    if (selected.length === 1) return new Piece(sources, selected[0]!, null, giveBack);
    return merged(sources, selected, (rows, sourceOf) => new Piece(sources, rows, sourceOf, giveBack));
  }

  get count(): number {
    return this.rows.length;
  }

  /**
   * Gives rows from `from` up to before `to` to `take` until it wants no more. Returns the number of the row that comes next. Where
   * positions are not wanted, each is 0: to look for them takes as long as to make a row.
   */
  visit(
    from: number,
    to: number,
    withPositions: boolean,
    take: (row: T, lsn: number, index: number) => boolean,
  ): number {
    const { rows, sources, sourceOf } = this;
    const end = Math.min(to, rows.length);
    let at = from;
    if (sourceOf === null && at < end && !withPositions) return sources[0]!.visit(rows, at, end, take);
    if (sourceOf === null && at < end && sources[0]!.indexOf === null) {
      const { read, lsnOf } = sources[0]!;
      for (let wantsMore = true; wantsMore && at < end; at++) wantsMore = take(read(rows[at]!), lsnOf(rows[at]!), 0);
      return at;
    }
    for (let wantsMore = true; wantsMore && at < end; at++) {
      const { read, lsnOf, indexOf } = sources[sourceOf?.[at] ?? 0]!;
      const row = rows[at]!;
      wantsMore = take(read(row), lsnOf(row), indexOf === null ? 0 : indexOf(row));
    }
    return at;
  }

  /** The lsn of the row with this number. */
  lsnAt(at: number): number {
    return this.sources[this.sourceOf?.[at] ?? 0]!.lsnOf(this.rows[at]!);
  }

  /** Where the first row stands; `null` where there is none. */
  get start(): RowPosition | null {
    if (this.rows.length === 0) return null;
    const { lsnOf, indexOf } = this.sources[this.sourceOf?.[0] ?? 0]!;
    const row = this.rows[0]!;
    return { lsn: lsnOf(row), index: indexOf?.(row) ?? 0 };
  }

  /** The same rows, the last one first. */
  reversed(): Piece<T> {
    const sourceOf = this.sourceOf?.slice().reverse() ?? null;
    return new Piece(this.sources, this.rows.slice().reverse(), sourceOf, this.giveBack);
  }
}

/** Whether a unit has nothing outside of a range. */
export function isWithin({ start, end }: Pick<Unit, 'start' | 'end'>, { from, to }: PositionRange): boolean {
  return !isBefore(start, from) && !isBefore(to, end);
}

/** Whether a row stands at a position or behind it. */
export function isAtOrBehind(
  { lsnOf, indexOf }: Pick<LoadedBatch, 'lsnOf' | 'indexOf'>,
  row: number,
  { lsn, index }: RowPosition,
): boolean {
  const own = lsnOf(row);
  return own > lsn || (own === lsn && (indexOf === null ? 0 : indexOf(row)) >= index);
}

/** The rows in a range of positions, in order. */
function within(loaded: LoadedBatch, unit: Unit, range: PositionRange): Uint32Array {
  const rows = loaded.order();
  if (isWithin(unit, range)) return rows;
  const firstAt = (position: RowPosition) =>
    firstWhere(0, rows.length, (at) => isAtOrBehind(loaded, rows[at]!, position));
  return rows.subarray(firstAt(range.from), firstAt(range.to));
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
