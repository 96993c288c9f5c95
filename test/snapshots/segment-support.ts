import { lastValueFrom } from 'rxjs';
import type { JobResult } from '../../src/snapshots/compute.js';
import { type BuildParameters, buildSegment } from '../../src/snapshots/segment-builder.js';
import type { SegmentInfo } from '../../src/snapshots/segment-format.js';
import { SegmentReader } from '../../src/snapshots/segment-reader.js';
import type { SegmentBlock } from '../../src/snapshots/segments/block.js';
import { type PlacedEntry, packEntries } from '../../src/snapshots/segments/packed-entries.js';
import { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import type { StorageFile } from '../../src/storage/storage.js';
import { BytesValues, isValid, TextValues } from '../../src/wal/batch.js';
import type { ColumnLayout, ColumnRole, ColumnType } from '../../src/wal/column.js';
import { EventEntryBuilder, type StreamLayout } from '../../src/wal/event-entry.js';
import { type Hash, loadHash } from '../../src/wal/hash.js';
import { now } from '../storage/support.js';

/** A row as columns store it: `undefined` for a missing value. */
export type Row = Record<string, unknown>;
export interface PlacedRow {
  readonly lsn: number;
  readonly row: Row;
}

let loaded: Hash;
export const hash: Hash = (bytes, seed) => loaded(bytes, seed);
beforeAll(async () => {
  loaded = await lastValueFrom(loadHash());
});

export function column(name: string, type: ColumnType, role: ColumnRole = 'value', optional = false): ColumnLayout {
  return { name, type, role, optional };
}

export const READINGS: StreamLayout = {
  id: 7,
  version: 1,
  columns: [
    column('ts', 'timestamp', 'time'),
    column('device', 'string', 'key'),
    column('temperature', 'float64'),
    column('status', 'int32', 'value', true),
  ],
};

/** The events of one commit as entries: one for each VGroup, rows in the order in which they came. */
export function entriesOf(
  layout: StreamLayout,
  rows: readonly Row[],
  { firstLsn, vgroups = 1, firstOrder = 0 }: { firstLsn: number; vgroups?: number; firstOrder?: number },
): PlacedEntry[] {
  const keys = layout.columns.filter(({ role }) => role === 'key');
  const builders = Array.from({ length: vgroups }, () => ({
    entry: new EventEntryBuilder(layout),
    keys: new Map<string, number>(),
  }));
  rows.forEach((row, order) => {
    const key = keys.map(({ name }) => row[name]);
    const id = key.map((part) => `${typeof part}:${String(part)}`).join('|');
    const builder = builders[Buffer.from(id).reduce((sum, byte) => sum + byte, 0) % vgroups]!;
    if (keys.length > 0 && !builder.keys.has(id)) builder.keys.set(id, builder.entry.addKey(key));
    builder.entry.room(1);
    layout.columns.forEach(({ name, role }, at) => {
      if (role !== 'key') builder.entry.columns[at]!.set(builder.entry.rows, row[name] as never);
    });
    builder.entry.commitRow(builder.keys.get(id) ?? 0, firstOrder + order);
  });
  return builders
    .filter(({ entry }) => entry.rows > 0)
    .map(({ entry }) => {
      const source = entry.toEntry();
      const bytes = new Uint8Array(source.byteLength);
      source.encode(bytes, 0);
      return { bytes, firstLsn };
    });
}

export interface Built {
  readonly info: SegmentInfo;
  readonly bytes: Uint8Array;
}

export function build(parameters: BuildParameters, entries: Iterable<PlacedEntry>): Built {
  return builtOf(buildSegment({ name: 'buildSegment', parameters, input: packEntries(entries) }, hash));
}

export function builtOf({ output, answer }: JobResult): Built {
  // Plain JSON data is what a manifest keeps.
  return { info: JSON.parse(JSON.stringify(answer)) as SegmentInfo, bytes: new Uint8Array(Buffer.concat(output)) };
}

export function fileOf(bytes: Uint8Array): StorageFile {
  const file = now(new SimulatedStorage().open('/segment', { create: true }));
  now(file.write([bytes], 0));
  return file;
}

export function readerOf({ info, bytes }: Built, layout: StreamLayout): SegmentReader {
  return new SegmentReader(fileOf(bytes), info, layout, hash);
}

/** A block's row, from its columns. */
export function rowOf(block: SegmentBlock, row: number): Row {
  const found: Row = {};
  block.layout.columns.forEach(({ name, type, role }, at) => {
    const values = block.columns[at]!;
    const from = role === 'key' ? block.keyIndex[row]! : row;
    if (!isValid(block.validity[at]!, row)) found[name] = undefined;
    else if (values instanceof TextValues || values instanceof BytesValues) found[name] = values.get(from);
    else found[name] = type === 'bool' ? values[from] === 1 : values[from];
  });
  return found;
}

/** All rows in the order of their positions. */
export function rowsOf(reader: SegmentReader): PlacedRow[] {
  return reader.info.blocks.flatMap((_, at) => {
    const block = now(reader.block(at));
    return Array.from(block.orderByPosition(), (row) => ({ lsn: block.lsns[row]!, row: rowOf(block, row) }));
  });
}
