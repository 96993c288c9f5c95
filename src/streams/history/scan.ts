import { map, type Observable, of, ReplaySubject, tap } from 'rxjs';
import type { Retained } from '../../snapshots/manifest.js';
import type { RowPosition } from '../../snapshots/row-position.js';
import { BlockMemory } from '../../snapshots/segments/block-memory.js';
import type { StreamLayout } from '../../wal/event-entry.js';
import type { RowCodec } from '../row-codec.js';
import { EVERYTHING, type Filter, RowFilter } from './filter.js';
import { consecutive, type Loaded, loadUnit } from './load.js';
import { isAtOrBehind, isWithin, Piece, type PositionRange } from './piece.js';
import type { Revisions } from './revisions.js';
import { type StreamPlace, type Unit, unitBefore, unitFrom } from './units.js';

/** What a scan needs of its stream. It is asked again for every unit: places change while a scan goes on. */
export interface ScannedStream<T> {
  place(): StreamPlace;
  retained(): Retained | null;
  /** For rows with these columns; all where not given. */
  codec(columns?: readonly string[]): RowCodec<T>;
  layoutOf(entry: Uint8Array): StreamLayout;
}

export interface ScanOptions {
  readonly filter?: Filter;
  /** The columns that are wanted, by name; all where not given. */
  readonly columns?: readonly string[];
  /** Hides rows that were corrected. */
  readonly revisions?: Revisions | null;
}

/** So many blocks are read while one is looked at: the disk and the processor work at the same time. With two, rows took half as long again: the caches are full. */
const BLOCKS_AHEAD = 1;

interface Ahead {
  readonly unit: Unit;
  readonly positions: boolean;
  readonly loaded: Observable<Loaded>;
}

/** What was read of a unit, and the events of it that are meant; `null` for all. */
export interface LoadedRange extends Loaded {
  readonly range: PositionRange | null;
}

/**
 * Goes through the wanted events of a stream in the order of positions, forward or back, a unit at a time. Between two units
 * it holds nothing but a position, so that neither memory nor files are kept for one who waits.
 */
export class Scan<T> {
  private readonly filter: RowFilter;
  private readonly codec: RowCodec<T>;
  private isForward = true;
  private readonly memory = new BlockMemory();
  /** What is read already of the blocks that come next. */
  private ahead: readonly Ahead[] = [];

  constructor(
    private readonly stream: ScannedStream<T>,
    private readonly options: ScanOptions,
    /** Forward: where the next event is looked for. Back: below which. */
    public position: RowPosition,
  ) {
    this.codec = stream.codec(options.columns);
    const { filter = EVERYTHING, revisions = null } = options;
    this.filter = new RowFilter(stream.codec().columns, filter, () => stream.retained(), revisions);
  }

  /** The next rows before `until`, perhaps none of a unit; `null` where no unit is left. */
  next(until: RowPosition): Observable<Piece<T> | null> {
    const unit = unitFrom(this.stream.place(), this.position, until, this.filter.mayHave);
    if (unit === null) return of(null);
    const range = { from: this.position, to: until };
    return this.piece(unit, range, until, () => {
      this.position = unit.end;
    });
  }

  /** The next rows before those given so far, the last one first; `null` where no unit is left. */
  nextBack(): Observable<Piece<T> | null> {
    this.isForward = false;
    const unit = unitBefore(this.stream.place(), this.position, this.filter.mayHave);
    if (unit === null) return of(null);
    const back = this.piece(unit, { from: unit.start, to: this.position }, this.position, () => {
      this.position = unit.start;
    });
    return back.pipe(map((piece) => piece.reversed()));
  }

  private piece(unit: Unit, range: PositionRange, until: RowPosition, passed: () => void): Observable<Piece<T>> {
    return this.load(unit, true, until).pipe(
      map((loaded) => {
        passed();
        return Piece.of(loaded, this.codec, this.filter, range);
      }),
    );
  }

  /** The next unit as it was read, its rows as they stand there; `null` where none is left. */
  nextLoaded(until: RowPosition, positions: boolean): Observable<LoadedRange | null> {
    const unit = unitFrom(this.stream.place(), this.position, until, this.filter.mayHave);
    if (unit === null) return of(null);
    // What was several units a moment ago may be one by now, with events that were given already, or that came later.
    const asked = { from: this.position, to: until };
    const range = isWithin(unit, asked) ? null : asked;
    const isPlaced = positions || range !== null || this.filter.needsPositions(unit.start.lsn);
    return this.load(unit, isPlaced, until).pipe(
      map((loaded) => {
        this.position = unit.end;
        return { ...loaded, range };
      }),
    );
  }

  /** The wanted rows of a batch of a loaded unit; `null` for all. */
  select({ unit, batches, range }: LoadedRange, at: number): Uint32Array | null {
    if (range === null && this.filter.wantsAll(unit.start.lsn)) return null;
    const loaded = batches[at]!;
    const { batch, lsnOf } = loaded;
    const rows = this.filter.select(batch, consecutive(batch.rows), unit.start.lsn, lsnOf);
    if (range === null) return rows;
    return rows.filter((row) => isAtOrBehind(loaded, row, range.from) && !isAtOrBehind(loaded, row, range.to));
  }

  /** What comes after a block is read while that is looked at. */
  private load(unit: Unit, positions: boolean, until: RowPosition): Observable<Loaded> {
    const [first, ...others] = this.ahead;
    const isAhead = first !== undefined && isSame(first.unit, unit) && (first.positions || !positions);
    this.ahead = isAhead ? others : [];
    return (isAhead ? first.loaded : this.read(unit, positions)).pipe(
      tap(() => this.lookAhead(unit, positions, until)),
    );
  }

  private lookAhead(current: Unit, positions: boolean, until: RowPosition): void {
    // The rows of one key are few.
    if (this.filter.key !== null || !this.isForward) return;
    while (this.ahead.length < BLOCKS_AHEAD) {
      const last = this.ahead.at(-1)?.unit ?? current;
      const unit = unitFrom(this.stream.place(), last.end, until, this.filter.mayHave);
      if (unit?.kind !== 'block') return;
      const loaded = new ReplaySubject<Loaded>(1);
      this.read(unit, positions).subscribe(loaded);
      this.ahead = [...this.ahead, { unit, positions, loaded }];
    }
  }

  private read(unit: Unit, positions: boolean): Observable<Loaded> {
    const { columns } = this.options;
    const { memory } = this;
    return loadUnit(unit, this.filter, { ...(columns && { columns }), positions, memory }, (entry) =>
      this.stream.layoutOf(entry),
    );
  }
}

function isSame(a: Unit, b: Unit): boolean {
  return a.kind === 'block' && b.kind === 'block' && a.segment === b.segment && a.block === b.block;
}
