import type { Accumulator, Aggregate, Kept, ReadResult } from '../aggregates/aggregate.js';
import { type ObjectForm, valueForm } from '../aggregates/object-form.js';
import type { WindowKind } from './window.js';
import { HEADER_AT_FIRST, type StateShape } from './window-states.js';

export type Aggregates = Readonly<Record<string, Aggregate<string, never, unknown, never>>>;

/** Where everything is that a window keeps, and how its results are read. */
export interface Layout extends StateShape {
  /** Each once, by the column that it takes. */
  readonly columns: readonly { readonly column: string; readonly kept: readonly Kept[] }[];
  /** Those that take the row. */
  readonly ofRow: readonly Kept[];
  readonly results: readonly { readonly name: string; readonly read: ReadResult }[];
  /** Which of a window's objects is its state, in state windows; the one after the last elsewhere. */
  readonly stateObject: number;
}

/** The layout of a kind of windows: those of states keep theirs beside what the aggregates keep. */
export function layoutFor(aggregates: Aggregates, kind: WindowKind<never>): Layout {
  const layout = layoutOf(aggregates);
  return kind.type === 'state' ? { ...layout, objects: [...layout.objects, STATE_FORM] } : layout;
}

const STATE_FORM = valueForm('stateWindow');

export function layoutOf(aggregates: Aggregates): Layout {
  const numbers = [...HEADER_AT_FIRST];
  const columns = new Map<string, Map<string, Kept>>();
  const ofRow: Kept[] = [];
  const objects: ObjectForm[] = [];
  const place = (accumulator: Accumulator): Kept => {
    const kept = { accumulator, number: numbers.length, object: objects.length };
    numbers.push(...accumulator.numbers);
    if (accumulator.object !== null) objects.push(accumulator.object);
    return kept;
  };
  const keep = (accumulator: Accumulator): Kept => {
    const { column, id } = accumulator;
    if (column === null) return ofRow[ofRow.push(place(accumulator)) - 1]!;
    const ofColumn = columns.get(column) ?? new Map<string, Kept>();
    columns.set(column, ofColumn);
    const kept = ofColumn.get(id) ?? place(accumulator);
    ofColumn.set(id, kept);
    return kept;
  };
  const results = Object.entries(aggregates).map(([name, aggregate]) => {
    return { name, read: aggregate.reader(aggregate.accumulators.map(keep)) };
  });
  return {
    numbers,
    objects,
    columns: [...columns].map(([column, kept]) => ({ column, kept: [...kept.values()] })),
    ofRow,
    results,
    stateObject: objects.length,
  };
}
