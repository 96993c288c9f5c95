import type { UnsavedEvents } from '../../snapshots/unsaved.js';
import { EventEntryBuilder, type StreamLayout } from '../../wal/event-entry.js';
import type { RowCodec } from '../row-codec.js';
import { decodedRow } from '../values.js';
import { type Build, keptTo } from './build.js';
import type { CapturedRows, DerivedOutput } from './derivation.js';

/** What the rows of a derived stream are, and who listens. */
export interface OutputStream {
  readonly name: string;
  readonly codec: RowCodec<unknown>;
  readonly isKept: (row: unknown) => boolean;
  /** Tells those who listen. `group` is the same for rows that come in one go. */
  emit(row: unknown, lsn: number, index: number, group: object): void;
}

/** A row as columns store it, and as readers see it. */
interface TakenRow {
  readonly stored: readonly unknown[];
  readonly row: unknown;
  readonly isKept: boolean;
}

const NO_ROWS: readonly unknown[] = [];
/** Orders are kept in 32 bits. */
const ORDER_MAX = 2 ** 31;
const ROWS_KEPT_MAX = 65_536;

/** Brings the rows of a pipeline into its derived stream: checked, and in memory until a checkpoint puts them into segments. */
export class StreamOutput implements DerivedOutput {
  readonly states = [];
  private entry: EventEntryBuilder | null = null;
  private slots = new Map<unknown, number>();
  private firstLsn = 0;
  private lastLsn = -1;
  /** Rows that were taken; those before `accepted` count. */
  private turn: TakenRow[] = [];
  private accepted = 0;
  private indexes = 0;
  private group = {};
  /** Up to this lsn old rows stay … */
  private readonly keptTo: number;
  /** … and from this one on rows are new to those who listen. */
  private readonly toldFrom: number;

  constructor(
    private readonly stream: OutputStream,
    private readonly layout: StreamLayout,
    private readonly unsaved: UnsavedEvents,
    build: Build | null = null,
  ) {
    const { name } = stream;
    this.keptTo = build === null ? -1 : keptTo(build, name);
    this.toldFrom = build?.toldFrom ?? 0;
    unsaved.isBuild = build !== null;
  }

  take(row: unknown): void {
    const { codec, isKept } = this.stream;
    const stored = codec.stored(row);
    this.turn.push({ stored, row: decodedRow(codec.columns, stored), isKept: isKept(row) });
  }

  accept(): readonly unknown[] {
    const { turn, accepted } = this;
    if (accepted === turn.length) return NO_ROWS;
    this.accepted = turn.length;
    return turn.slice(accepted).flatMap(({ row, isKept }) => (isKept ? [row] : []));
  }

  drop(): void {
    this.turn.length = this.accepted;
  }

  endTurn(lsn: number, isTold: boolean): void {
    if (this.turn.length === 0) return;
    if (lsn !== this.lastLsn) this.indexes = 0;
    if (this.entry !== null && lsn - this.firstLsn >= ORDER_MAX) this.endGroup();
    this.lastLsn = lsn;
    const { turn } = this;
    this.turn = [];
    this.accepted = 0;
    for (const { stored, row, isKept } of turn) {
      if (isTold && lsn >= this.toldFrom) this.stream.emit(row, lsn, this.indexes, this.group);
      if (isKept && lsn > this.keptTo) this.put(stored, lsn, this.indexes++);
    }
  }

  private put(stored: readonly unknown[], lsn: number, index: number): void {
    const { codec } = this.stream;
    if (this.entry === null || this.entry.rows === 0) {
      this.entry ??= new EventEntryBuilder(this.layout);
      this.firstLsn = lsn;
    }
    const { entry } = this;
    const key = codec.keyOf(stored);
    let slot = this.slots.get(key);
    if (slot === undefined) this.slots.set(key, (slot = entry.addKey(codec.keyValues(stored))));
    entry.room(1);
    codec.put(entry, stored);
    entry.commitDerivedRow(slot, lsn - this.firstLsn, index);
  }

  endGroup(): void {
    const { entry } = this;
    if (entry === null || entry.rows === 0) return;
    const source = entry.toEntry();
    const bytes = new Uint8Array(source.byteLength);
    source.encode(bytes, 0);
    this.unsaved.add({ entries: [{ bytes }], firstLsn: this.firstLsn, events: this.lastLsn - this.firstLsn + 1 });
    // After a turn with a million rows, its room is given back.
    if (entry.rows > ROWS_KEPT_MAX) this.entry = null;
    else entry.reset();
    this.slots.clear();
    this.group = {};
  }

  mark(): CapturedRows {
    return { stream: this.stream.name, mark: this.unsaved.mark() };
  }

  swapped(): void {
    this.unsaved.isBuild = false;
  }

  stopped(): void {
    this.unsaved.isCounted = false;
  }
}
