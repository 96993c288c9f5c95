import { concat, defer, EMPTY, type Observable, tap } from 'rxjs';
import { atLsn } from '../../snapshots/row-position.js';
import { steps } from '../../wal/steps.js';
import type { Piece } from '../history/piece.js';
import type { Scan } from '../history/scan.js';
import type { Slices } from '../history/slices.js';
import type { Derivation } from './derivation.js';
import { inputsInOrder, routeOf, type StreamNumber, takeTurn } from './turns.js';

/** What a catch-up needs of its mill. */
export interface CatchUpHost {
  /** Up to where everything was applied. */
  readonly nextLsn: () => number;
  readonly numberOf: StreamNumber;
  /** The rows of a stream from an lsn on. */
  readonly scan: (stream: number, lsn: number) => Scan<unknown>;
  readonly slices: Slices;
  /** Whether no more rows should be derived for now: too many are in memory. */
  isFull(): boolean;
  /** Whether those who listen are told what is derived. */
  readonly isTold: boolean;
}

/**
 * Lets derivations that are behind have the turns that they missed: rows of all streams that they read, by lsn, then as in
 * live turns. Completes when they have had all up to the last commit that was applied.
 */
export class CatchUp {
  private readonly cursors: readonly Cursor[];
  /** Where each begins. What one that is behind gives before that was given already, and is read. */
  private readonly from: ReadonlyMap<Derivation, number>;
  private until = 0;
  private lastLsn = -1;

  constructor(
    private readonly behind: readonly Derivation[],
    private readonly host: CatchUpHost,
  ) {
    this.from = new Map(behind.map((derivation) => [derivation, derivation.processedTo]));
    for (const derivation of behind) derivation.catchUp = this;
    this.cursors = this.inputs();
  }

  /** To be run again while commits go on; what was processed before is not processed again. */
  run(): Observable<never> {
    return defer(() => {
      this.until = this.host.nextLsn();
      for (const cursor of this.cursors) cursor.reopen(this.until);
      return concat(
        steps(() => this.next()),
        defer(() => {
          this.settle(this.until);
          return EMPTY;
        }),
      );
    });
  }

  /** Whether nothing was applied since it was through. */
  get isThrough(): boolean {
    return this.until === this.host.nextLsn();
  }

  private inputs(): Cursor[] {
    const { numberOf, scan } = this.host;
    const cursors = new Map<number, Cursor>();
    for (const derivation of this.behind) {
      derivation.inputs.forEach((_, input) => {
        const number = numberOf(derivation, input);
        const upstream = this.upstreamOf(derivation, number);
        const from = this.from.get(derivation)!;
        const to = upstream === null ? Infinity : this.from.get(upstream)!;
        if (from >= to) return;
        const known = cursors.get(number);
        if (known !== undefined && known.lsn <= from) return;
        const isDerived = derivation.upstream.some((other) => numberOf(other, -1) === number);
        cursors.set(number, new Cursor(number, isDerived, scan(number, from), from, to));
      });
    }
    return [...cursors.values()].toSorted((a, b) => a.stream - b.stream);
  }

  /** The derivation that gives an input's rows, if it is one that is behind too. */
  private upstreamOf(derivation: Derivation, number: number): Derivation | null {
    const { numberOf } = this.host;
    return derivation.upstream.find((other) => this.from.has(other) && numberOf(other, -1) === number) ?? null;
  }

  private next(): Observable<unknown> | null {
    const { slices } = this.host;
    for (;;) {
      if (slices.isOver || this.host.isFull()) {
        this.settle(this.lastLsn + 1);
        return slices.pause();
      }
      const empty = this.cursors.find((cursor) => cursor.isEmpty);
      if (empty !== undefined) {
        this.settle(this.lastLsn + 1);
        return slices.waitingFor(empty.load());
      }
      const lsn = Math.min(...this.cursors.map(({ head }) => head));
      if (lsn === Infinity) return null;
      const open = this.cursors.find((cursor) => cursor.isOpenAt(lsn));
      if (open !== undefined) {
        this.settle(this.lastLsn + 1);
        return slices.waitingFor(open.load());
      }
      if (!this.runOfOne(lsn)) this.turn(lsn);
    }
  }

  /** The next turns of the only stream that is read, if that is one with a row for each lsn and everyone reads it. */
  private runOfOne(lsn: number): boolean {
    const [cursor, ...others] = this.cursors as [Cursor, ...Cursor[]];
    if (others.length > 0 || cursor.isDerived) return false;
    for (const from of this.from.values()) if (from > lsn) return false;
    const route = routeOf(cursor.stream, this.behind, this.host.numberOf);
    const { isTold } = this.host;
    cursor.visit((row, rowLsn) => {
      this.lastLsn = rowLsn;
      takeTurn(route, row, rowLsn, isTold);
    });
    return true;
  }

  /** The turn of the lowest lsn that any stream has. */
  private turn(lsn: number): void {
    const given = new Map<number, unknown[]>();
    for (const cursor of this.cursors) if (cursor.head === lsn) given.set(cursor.stream, cursor.rowsOf(lsn));
    this.lastLsn = lsn;
    const { numberOf, isTold } = this.host;
    const ready = this.behind.filter((derivation) => this.from.get(derivation)! <= lsn);
    for (const derivation of ready) {
      for (const { input, number } of inputsInOrder(derivation, numberOf)) {
        const upstream = this.upstreamOf(derivation, number);
        const rows = upstream !== null && this.from.get(upstream)! <= lsn ? upstream.rowsOf(lsn) : given.get(number);
        for (const row of rows ?? []) derivation.push(input, row, lsn);
      }
    }
    for (const derivation of ready) derivation.endTurn(lsn, isTold);
  }

  private settle(lsn: number): void {
    for (const derivation of this.behind) if (derivation.processedTo < lsn) derivation.passed(lsn);
  }
}

const ROWS_AT_ONCE = 256;

/** The rows of one stream that come next. */
class Cursor {
  private pieces: Piece<unknown>[] = [];
  private at = 0;
  private isEnd = false;
  private until = 0;

  constructor(
    readonly stream: number,
    /** Whether several rows may have one lsn. */
    readonly isDerived: boolean,
    private readonly scan: Scan<unknown>,
    readonly lsn: number,
    /** Rows from this lsn on are not read. */
    private readonly to: number,
  ) {}

  reopen(until: number): void {
    this.until = Math.min(until, this.to);
    this.isEnd = false;
  }

  /** Whether nobody knows yet what comes next. */
  get isEmpty(): boolean {
    return this.pieces.length === 0 && !this.isEnd;
  }

  /** The lsn of the next row; `Infinity` where there is none. */
  get head(): number {
    return this.pieces.length === 0 ? Infinity : this.pieces[0]!.lsnAt(this.at);
  }

  /** Whether there may be more rows of this lsn than are loaded. */
  isOpenAt(lsn: number): boolean {
    const last = this.pieces.at(-1);
    return this.isDerived && !this.isEnd && last !== undefined && last.lsnAt(last.count - 1) === lsn;
  }

  load(): Observable<unknown> {
    return this.scan.next(atLsn(this.until)).pipe(
      tap((piece) => {
        this.isEnd = piece === null;
        if (piece !== null && piece.count > 0) this.pieces.push(piece);
      }),
    );
  }

  /** Some rows, in order. */
  visit(take: (row: unknown, lsn: number) => void): void {
    this.advance(this.at + ROWS_AT_ONCE, take);
  }

  /** All rows of this lsn. */
  rowsOf(lsn: number): unknown[] {
    const rows: unknown[] = [];
    while (this.head === lsn) this.advance(this.at + 1, (row) => rows.push(row));
    return rows;
  }

  private advance(to: number, take: (row: unknown, lsn: number) => void): void {
    const [piece] = this.pieces as [Piece<unknown>];
    this.at = piece.visit(this.at, to, true, (row, lsn) => {
      take(row, lsn);
      return true;
    });
    if (this.at < piece.count) return;
    this.pieces.shift();
    this.at = 0;
  }
}
