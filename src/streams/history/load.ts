import { map, type Observable, of } from 'rxjs';
import type { BlockMemory } from '../../snapshots/segments/block-memory.js';
import { Batch } from '../../wal/batch.js';
import type { StreamLayout } from '../../wal/event-entry.js';
import type { ReadBatch, RowFilter } from './filter.js';
import type { BlockUnit, EntriesUnit, Unit } from './units.js';

/** Rows of one batch of a unit. */
export interface LoadedBatch {
  readonly batch: ReadBatch;
  /** The lsn of a row; `Infinity` where positions were not asked for. */
  readonly lsnOf: (row: number) => number;
  /** The index of a row; `null` where every one is 0, or positions were not asked for. */
  readonly indexOf: ((row: number) => number) | null;
  /** All rows in the order of their positions. */
  readonly order: () => Uint32Array;
}

/** What was read of a unit. */
export interface Loaded {
  readonly unit: Unit;
  readonly batches: readonly LoadedBatch[];
  /** Said by whoever is done with all of it: its memory is used for what is read next. */
  readonly giveBack: () => void;
}

export interface LoadOptions {
  /** The columns that are wanted, by name; all where not given. */
  readonly columns?: readonly string[];
  /** Whether lsns are wanted. */
  readonly positions: boolean;
  readonly memory: BlockMemory;
}

/** Reads a unit, with what the filter needs; of a single key, only its rows. What is in memory is there at once. */
export function loadUnit(
  unit: Unit,
  filter: RowFilter,
  options: LoadOptions,
  layoutOf: (entry: Uint8Array) => StreamLayout,
): Observable<Loaded> {
  return unit.kind === 'block'
    ? loadBlock(unit, filter, options)
    : of({ unit, batches: entriesOf(unit, layoutOf), giveBack: () => {} } satisfies Loaded);
}

function loadBlock(unit: BlockUnit, filter: RowFilter, options: LoadOptions): Observable<Loaded> {
  const { segment, block } = unit;
  const { columns, positions } = options;
  const memory = options.memory.loan();
  return segment.use((reader) => {
    const needed = columns && columnsNeeded(unit, filter, columns);
    const wanted = { ...(needed && { columns: needed }), positions, memory };
    const read = filter.key === null ? reader.block(block, wanted) : reader.blockOfKey(block, filter.key, wanted);
    return read.pipe(
      map((found): Loaded => {
        let lsns: Float64Array | null = null;
        let indexes: Int32Array | null = null;
        // Rows of one key stand in the order of their positions.
        const isInOrder = !positions || filter.key !== null;
        const order = () => (isInOrder ? consecutive(found.rows) : found.orderByPosition());
        const lsnOf = positions ? (row: number) => (lsns ??= found.lsns)[row]! : () => Infinity;
        const isIndexed = positions && segment.entry.info.indexed;
        const indexOf = isIndexed ? (row: number) => (indexes ??= found.indexes!)[row]! : null;
        return { unit, batches: [{ batch: found, lsnOf, indexOf, order }], giveBack: () => memory.giveBack() };
      }),
    );
  });
}

/** In the order of the schema, so that the same columns are the same list. */
function columnsNeeded({ segment, block }: BlockUnit, filter: RowFilter, columns: readonly string[]): string[] {
  const needsTime = filter.needsTime(segment.entry.info.blocks[block]!);
  return segment.layout.columns
    .filter(({ name, role }) => {
      if (columns.includes(name) || filter.needsForRevisions(name)) return true;
      return (role === 'time' && needsTime) || (role === 'key' && filter.needsKeys && filter.key === null);
    })
    .map(({ name }) => name);
}

function entriesOf({ stream, from, to, start }: EntriesUnit, layoutOf: (entry: Uint8Array) => StreamLayout) {
  const batches: LoadedBatch[] = [];
  for (let entry = from; entry < to; entry++) {
    const bytes = stream.entry(entry);
    const batch = new Batch(layoutOf(bytes), bytes, start.lsn);
    batches.push({
      batch,
      lsnOf: (row) => batch.lsnOf(row),
      indexOf: batch.isIndexed ? (row) => batch.indexOf(row) : null,
      order: () => consecutive(batch.rows),
    });
  }
  return batches;
}

/** All rows of a batch, as they stand in it. */
export function consecutive(rows: number): Uint32Array {
  const order = new Uint32Array(rows);
  for (let row = 1; row < rows; row++) order[row] = row;
  return order;
}
