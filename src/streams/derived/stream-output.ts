import type { UnsavedEvents } from '../../snapshots/unsaved.js';
import { EventEntryBuilder, type StreamLayout } from '../../wal/event-entry.js';
import type { Row, RowCodec } from '../row-codec.js';
import { decodedRow } from '../values.js';
import { type Build, keptTo } from './build.js';
import type { CapturedRows, DerivedOutput } from './derived-output.js';

/** What the rows of a derived stream are, and who listens. */
export interface OutputStream {
  readonly name: string;
  readonly codec: RowCodec<unknown>;
  readonly isKept: (row: unknown) => boolean;
  /** Tells those who listen. `group` is the same for rows that come in one go. */
  emit(row: unknown, lsn: number, index: number, group: object): void;
}

/** A row as readers see it, whatever the pipeline does to its own afterwards. */
interface TakenRow {
  readonly row: Row;
  /** What columns store for it; `null` where these are its values. */
  readonly stored: readonly unknown[] | null;
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
    if (codec.isPlain(row)) {
      this.turn.push({ row: codec.plainCopyOf(row), stored: null, isKept: isKept(row) });
      return;
    }
    const stored = codec.stored(row);
    this.turn.push({ row: decodedRow(codec.columns, stored), stored, isKept: isKept(row) });
  }

  accept(): readonly unknown[] {
    const { turn, accepted } = this;
    if (accepted === turn.length) return NO_ROWS;
    const rows: unknown[] = [];
    for (let at = accepted; at < turn.length; at++) if (turn[at]!.isKept) rows.push(turn[at]!.row);
    this.accepted = turn.length;
    return rows;
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
    for (const taken of turn) {
      if (isTold && lsn >= this.toldFrom) this.stream.emit(taken.row, lsn, this.indexes, this.group);
      if (taken.isKept && lsn > this.keptTo) this.put(taken, lsn, this.indexes++);
    }
  }

  private put({ row, stored }: TakenRow, lsn: number, index: number): void {
    const { codec } = this.stream;
    if (this.entry === null || this.entry.rows === 0) {
      this.entry ??= new EventEntryBuilder(this.layout);
      this.firstLsn = lsn;
    }
    const { entry } = this;
    const key = stored === null ? codec.plainKeyOf(row) : codec.keyOf(stored);
    let slot = this.slots.get(key);
    if (slot === undefined) {
      slot = entry.addKey(stored === null ? codec.plainKeyValues(row) : codec.keyValues(stored));
      this.slots.set(key, slot);
    }
    entry.room(1);
    if (stored === null) codec.putPlain(entry, row);
    else codec.put(entry, stored);
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
