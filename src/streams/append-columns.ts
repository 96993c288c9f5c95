import { type FixedArray, FixedColumnBuilder, isVariable, widthOf } from '../wal/column.js';
import type { StreamEntries } from '../wal/commit.js';
import type { EventEntryBuilder } from '../wal/event-entry.js';
import { type ColumnInput, type ColumnSource, sourcesOf } from './column-sources.js';
import type { Ingest } from './ingest.js';
import { type AppendedMany, ManyReceipt } from './receipts.js';
import { keyText } from './row-codec.js';

/** All columns of `appendColumns`; optional ones may be left out. */
export type ColumnsInput<I> = { readonly [K in keyof I]: ColumnInput<I[K]> };

/** Rows that are put into a commit at once. */
const SLICE_ROWS = 16_384;

/** `appendColumns` of a stream; see there. Everything is checked, and copied, before anything is written. */
export async function appendColumns<I, T>(
  ingest: Ingest<I, T>,
  stream: string,
  input: ColumnsInput<unknown>,
): Promise<AppendedMany> {
  const { rows, sources } = sourcesOf(stream, ingest.codec.columns, input);
  const keys = sources.filter(({ column }) => column.role === 'key');
  return new Promise((resolve, reject) => {
    const receipt = new ManyReceipt(resolve, reject);
    let at = 0;
    const take = () => {
      if (receipt.isOver) return true;
      const count = sliceLength(ingest, sources, at, rows);
      if (count > 0) putSlice(ingest, sources, keys, at, count, receipt);
      at += count;
      return at === rows || receipt.isOver;
    };
    ingest.whileRoom(
      take,
      () => receipt.expect(rows),
      (error) => receipt.failed(error),
    );
  });
}

/** How many rows from `from` on go into the commit that is filling now: as many as it wants, but one of any size. */
function sliceLength<I, T>(ingest: Ingest<I, T>, sources: readonly ColumnSource[], from: number, rows: number): number {
  const { events, bytes } = ingest.room;
  const count = Math.min(SLICE_ROWS, rows - from, events);
  const values = sources.filter(({ column }) => column.role !== 'key');
  const fixedRowBytes = values.reduce((sum, { column }) => sum + widthOf(column.type), 0);
  const variable = values.filter(({ column }) => isVariable(column.type));
  if (variable.length === 0) return bytes <= 0 ? 0 : Math.min(count, Math.ceil(bytes / fixedRowBytes));
  let left = bytes;
  for (let slice = 0; slice < count; slice++) {
    if (left <= 0) return slice;
    left -= fixedRowBytes;
    for (const { stored } of variable) left -= (stored(from + slice) as { length: number } | undefined)?.length ?? 0;
  }
  return count;
}

function putSlice<I, T>(
  ingest: Ingest<I, T>,
  sources: readonly ColumnSource[],
  keys: readonly ColumnSource[],
  from: number,
  count: number,
  receipt: ManyReceipt,
): void {
  ingest.assertWritable();
  const entries = ingest.entries();
  const slots = slotsOf(ingest, entries, keys, from, count);
  const first = ingest.filling.events;
  const bytes = areOfOneVGroup(slots)
    ? putTogether(entries.entry(slots[0]! & 63), sources, slots, from, first)
    : slots.reduce(
        (sum, slot, row) => sum + putOne(entries.entry(slot & 63), sources, slot, from + row, first + row),
        0,
      );
  ingest.added(count, bytes, receipt);
}

/** The slots of the rows' keys. Of a column of distinct values, each is looked up once. */
function slotsOf<I, T>(
  ingest: Ingest<I, T>,
  entries: StreamEntries,
  keys: readonly ColumnSource[],
  from: number,
  count: number,
): Uint32Array {
  const slotOf = (row: number) => {
    const values = keys.map(({ stored }) => stored(row));
    const key = keys.length === 1 ? values[0] : keyText(values);
    return entries.slots.get(key) ?? ingest.newSlot(entries, key, values);
  };
  const slots = new Uint32Array(count);
  if (keys.length === 0) return slots.fill(slotOf(from));
  const indexes = keys.length === 1 ? keys[0]!.indexes : undefined;
  if (indexes === undefined) {
    for (let row = 0; row < count; row++) slots[row] = slotOf(from + row);
    return slots;
  }
  const known: (number | undefined)[] = [];
  for (let row = 0; row < count; row++) {
    const index = indexes[from + row]!;
    slots[row] = known[index] ??= slotOf(from + row);
  }
  return slots;
}

function areOfOneVGroup(slots: Uint32Array): boolean {
  const vgroup = slots[0]! & 63;
  for (let row = 1; row < slots.length; row++) if ((slots[row]! & 63) !== vgroup) return false;
  return true;
}

function putTogether(
  entry: EventEntryBuilder,
  sources: readonly ColumnSource[],
  slots: Uint32Array,
  from: number,
  firstOrder: number,
): number {
  const before = entry.bytesOfRows;
  entry.room(slots.length);
  sources.forEach(({ column, typed, stored }, at) => {
    if (column.role === 'key') return;
    const builder = entry.columns[at]!;
    if (typed !== null && builder instanceof FixedColumnBuilder)
      builder.setMany(entry.rows, typed.subarray(from, from + slots.length) as FixedArray);
    else for (let row = 0; row < slots.length; row++) builder.set(entry.rows + row, stored(from + row) as never);
  });
  const keyIndexes = new Uint32Array(slots.length);
  for (let row = 0; row < slots.length; row++) keyIndexes[row] = slots[row]! >>> 6;
  entry.commitRows(keyIndexes, firstOrder);
  return entry.bytesOfRows - before;
}

function putOne(
  entry: EventEntryBuilder,
  sources: readonly ColumnSource[],
  slot: number,
  row: number,
  order: number,
): number {
  entry.room(1);
  sources.forEach(({ column, stored }, at) => {
    if (column.role !== 'key') entry.columns[at]!.set(entry.rows, stored(row) as never);
  });
  entry.commitRow(slot >>> 6, order);
  return entry.lastRowBytes;
}
