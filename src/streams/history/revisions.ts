import type { ColumnLayout, ColumnType } from '../../wal/column.js';
import { keyText, valueAt } from '../row-codec.js';
import type { ReadBatch } from './filter.js';

const START = 'start';
const END = 'end';
const COUNT = 'count';
export const REVISION = 'revision';
const FINAL = 'final';

const NUMBERS: readonly ColumnType[] = ['float64', 'int32'];
/** What rows of windows have beside their keys. */
const WINDOW_COLUMNS = new Map<string, readonly ColumnType[]>([
  [START, ['timestamp']],
  [END, ['timestamp']],
  [COUNT, NUMBERS],
  [REVISION, NUMBERS],
  [FINAL, ['bool']],
]);

/** Whether rows of a derived stream are windows, as `windowed` gives them, of which a corrected one is there several times. */
export function haveRevisions(columns: readonly ColumnLayout[]): boolean {
  const found = columns.filter(({ name, type, role, optional }) => {
    const isInPlace = (role === 'time') === (name === START) && role !== 'key' && !optional;
    return isInPlace && WINDOW_COLUMNS.get(name)?.includes(type);
  });
  return found.length === WINDOW_COLUMNS.size;
}

/** The columns of a batch that say which window a row is of, and which revision. */
interface WindowRows {
  readonly starts: Float64Array;
  readonly ends: Float64Array;
  readonly revisions: ArrayLike<number>;
  /** The text of a row's key. */
  readonly keyOf: (row: number) => string;
}

/**
 * The highest revision of each window that was corrected. A window is known by its key, start and end; its revisions rise from row to
 * row. One that was taken back has a row without events for its highest revision: all its rows are hidden. Memory goes with the number of
 * windows that were corrected.
 */
export class Revisions {
  /** By start, then by end and key. Of what was taken back half a revision more: it is hidden too. */
  private readonly highest = new Map<number, Map<string, number>>();
  private readonly needed: ReadonlySet<string>;

  constructor(
    columns: readonly ColumnLayout[],
    /** Whether rows are read from the last one on, so that the highest revision of a window comes first: they are noted as they come. */
    readonly isBack: boolean,
  ) {
    const keys = columns.filter(({ role }) => role === 'key').map(({ name }) => name);
    this.needed = new Set([...keys, START, END, COUNT, REVISION]);
  }

  /** Whether nothing was corrected, as far as is known. */
  get isEmpty(): boolean {
    return this.highest.size === 0;
  }

  /** Whether it has something to decide. */
  get isActive(): boolean {
    return this.isBack || !this.isEmpty;
  }

  /** Whether a column is needed to decide on a row. */
  needs(column: string): boolean {
    return this.isActive && this.needed.has(column);
  }

  /** Those that are needed to note rows. */
  get columns(): readonly string[] {
    return [...this.needed];
  }

  /** Takes the corrections among rows. */
  note(batch: ReadBatch, rows: Iterable<number>): void {
    const { starts, ends, revisions, keyOf } = windowsIn(batch);
    const counts = columnOf(batch, COUNT) as ArrayLike<number>;
    for (const row of rows) {
      const revision = revisions[row]!;
      if (revision <= 0) continue;
      const start = starts[row]!;
      let windows = this.highest.get(start);
      if (windows === undefined) this.highest.set(start, (windows = new Map()));
      const window = windowOf(ends[row]!, keyOf(row));
      const own = counts[row] === 0 ? revision + 0.5 : revision;
      if (own > (windows.get(window) ?? 0)) windows.set(window, own);
    }
  }

  /** Those of `rows` that were not corrected later, as far as was noted. */
  shown(batch: ReadBatch, rows: Uint32Array): Uint32Array {
    if (this.isBack) this.note(batch, rows);
    if (this.isEmpty) return rows;
    const { starts, ends, revisions, keyOf } = windowsIn(batch);
    return rows.filter((row) => {
      const windows = this.highest.get(starts[row]!);
      if (windows === undefined) return true;
      return revisions[row]! >= (windows.get(windowOf(ends[row]!, keyOf(row))) ?? 0);
    });
  }
}

/** Whether a batch, of which this column was read, has corrections. */
export function hasCorrections(batch: ReadBatch): boolean {
  const revisions = columnOf(batch, REVISION) as ArrayLike<number>;
  for (let row = 0; row < batch.rows; row++) if (revisions[row]! > 0) return true;
  return false;
}

function columnOf({ layout, columns }: ReadBatch, name: string): unknown {
  return columns[layout.columns.findIndex((column) => column.name === name)];
}

function windowOf(end: number, key: string): string {
  return `${end}:${key}`;
}

function windowsIn(batch: ReadBatch): WindowRows {
  const { layout, columns, keyIndex } = batch;
  const keys = layout.columns.flatMap((column, at) =>
    column.role === 'key' ? [{ column, values: columns[at]! }] : [],
  );
  const texts: string[] = [];
  return {
    starts: columnOf(batch, START) as Float64Array,
    ends: columnOf(batch, END) as Float64Array,
    revisions: columnOf(batch, REVISION) as ArrayLike<number>,
    keyOf: (row) => {
      const key = keyIndex[row] ?? 0;
      return (texts[key] ??= keyText(keys.map(({ column, values }) => valueAt(column, values, key))));
    },
  };
}
