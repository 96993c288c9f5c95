import { EMPTY, type Observable, tap } from 'rxjs';
import { atLsn } from '../../../snapshots/row-position.js';
import { toCanonicalJson } from '../../../wal/canonical-json.js';
import { steps } from '../../../wal/steps.js';
import type { Piece } from '../../history/piece.js';
import type { Scan } from '../../history/scan.js';
import type { Row, RowCodec } from '../../row-codec.js';
import { decodedRow } from '../../values.js';
import type { DerivedOutput } from '../derived-output.js';
import type { RowDifference } from './report.js';

/** A derived stream as a replay sees it. */
export interface ComparedStream {
  readonly codec: RowCodec<unknown>;
  readonly isKept: (row: unknown) => boolean;
  /** Its stored rows. */
  readonly stored: Scan<unknown>;
  /** Rows from this lsn on are not compared. */
  readonly until: number;
  /** Below this lsn stored rows are compared only where the event that they come from is still there. */
  readonly wholeFrom: number;
  /** Whether a row, stored or derived, is compared. */
  readonly isCompared: (row: Row, lsn: number) => boolean;
}

/** A row with where it stands. */
interface PlacedRow {
  readonly row: Row;
  readonly lsn: number;
  readonly index: number;
}

interface TakenRow {
  readonly row: Row;
  readonly isKept: boolean;
}

/** Takes the rows of a pipeline as its derived stream does, and compares them with those that are stored. Until then they are in memory. */
export class ComparedRows implements DerivedOutput {
  readonly states = [];
  /** The first one; nothing is compared after it. */
  difference: RowDifference | null = null;
  /** Rows that are as they should be. */
  equal = 0;
  private turn: TakenRow[] = [];
  private accepted = 0;
  private lastLsn = -1;
  private index = 0;
  private derived: PlacedRow[] = [];
  /** The lsns of turns since rows were compared, as far as they decide on that. */
  private readonly turns = new Set<number>();
  private readonly stored: StoredRows;

  constructor(private readonly stream: ComparedStream) {
    this.stored = new StoredRows(stream);
  }

  /** Derived rows that are held. */
  get held(): number {
    return this.derived.length;
  }

  take(row: unknown): void {
    const { codec, isKept } = this.stream;
    this.turn.push({ row: decodedRow(codec.columns, codec.stored(row)), isKept: isKept(row) });
  }

  accept(): readonly unknown[] {
    const taken = this.turn.slice(this.accepted);
    this.accepted = this.turn.length;
    return taken.flatMap(({ row, isKept }) => (isKept ? [row] : []));
  }

  drop(): void {
    this.turn.length = this.accepted;
  }

  endTurn(lsn: number): void {
    const { turn, stream } = this;
    if (lsn !== this.lastLsn) this.index = 0;
    this.lastLsn = lsn;
    this.turn = [];
    this.accepted = 0;
    if (lsn < stream.wholeFrom) this.turns.add(lsn);
    for (const { row, isKept } of turn) {
      if (!isKept) continue;
      const placed = { row, lsn, index: this.index++ };
      if (this.difference === null && stream.isCompared(row, lsn)) this.derived.push(placed);
    }
  }

  endGroup(): void {}

  mark(): null {
    return null;
  }

  swapped(): void {}

  stopped(): void {}

  /** Compares all rows below an lsn: all turns below it are through. */
  compareBelow(lsn: number): Observable<never> {
    let at = 0;
    return steps(() => {
      while (this.difference === null) {
        const stored = this.stored.next(lsn);
        if (stored === 'unread') return this.stored.load();
        if (stored !== null && !this.isThere(stored)) {
          this.stored.taken();
          continue;
        }
        const derived = this.derived[at];
        const isDerived = derived !== undefined && derived.lsn < lsn;
        if (stored === null && !isDerived) break;
        this.compare(stored, isDerived ? derived : null);
        at++;
      }
      this.derived = this.difference === null ? this.derived.slice(at) : [];
      this.turns.clear();
      return null;
    });
  }

  /** Whether the event that a stored row comes from had its turn. */
  private isThere({ lsn }: PlacedRow): boolean {
    return lsn >= this.stream.wholeFrom || this.turns.has(lsn);
  }

  private compare(stored: PlacedRow | null, derived: PlacedRow | null): void {
    const step = (stored?.lsn ?? Infinity) - (derived?.lsn ?? Infinity);
    if (step === 0 && isSame(this.stream.codec, stored!.row, derived!.row)) {
      this.equal++;
      this.stored.taken();
      return;
    }
    const { lsn, index } = step < 0 ? stored! : derived!;
    const isStored = step <= 0;
    const isDerived = step >= 0;
    this.difference = {
      kind: 'row',
      lsn,
      index,
      stored: isStored ? stored!.row : null,
      derived: isDerived ? derived!.row : null,
    };
  }
}

function isSame({ columns }: RowCodec<unknown>, a: Row, b: Row): boolean {
  return columns.every(({ name }) => isSameValue(a[name], b[name]));
}

function isSameValue(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  const areObjects = typeof a === 'object' && typeof b === 'object' && a !== null && b !== null;
  return areObjects && toCanonicalJson(a) === toCanonicalJson(b);
}

/** The stored rows of a stream that are compared, one after the other. */
class StoredRows {
  private rows: PlacedRow[] = [];
  private at = 0;
  private isEnd = false;

  constructor(private readonly stream: ComparedStream) {}

  /** The row that comes next, if it is below an lsn; `null` where there is none. */
  next(below: number): PlacedRow | 'unread' | null {
    const row = this.rows[this.at];
    if (row === undefined) return this.isEnd ? null : 'unread';
    return row.lsn < below ? row : null;
  }

  taken(): void {
    this.at++;
  }

  /** Reads on. */
  load(): Observable<unknown> {
    if (this.isEnd) return EMPTY;
    return this.stream.stored.next(atLsn(this.stream.until)).pipe(
      tap((piece) => {
        this.isEnd = piece === null;
        this.rows = [];
        this.at = 0;
        if (piece !== null) this.fill(piece);
      }),
    );
  }

  private fill(piece: Piece<unknown>): void {
    piece.visit(0, piece.count, true, (row, lsn, index) => {
      if (this.stream.isCompared(row as Row, lsn)) this.rows.push({ row: row as Row, lsn, index });
      return true;
    });
  }
}
