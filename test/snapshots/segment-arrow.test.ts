import { type RecordBatch, RecordBatchFileReader, type Table, tableFromIPC } from 'apache-arrow';
import type { StreamLayout } from '../../src/wal/event-entry.js';
import { build, column, entriesOf, type Row } from './segment-support.js';

const EVERYTHING: StreamLayout = {
  id: 1,
  version: 1,
  columns: [
    column('at', 'timestamp', 'time'),
    column('place', 'string', 'key'),
    column('unit', 'int64', 'key'),
    column('note', 'json', 'value', true),
    column('raw', 'bytes', 'value', true),
    column('on', 'bool', 'value', true),
    column('count', 'int32', 'value', true),
    column('big', 'int64', 'value', true),
    column('single', 'float32', 'value', true),
    column('double', 'float64'),
    column('seen', 'timestamp', 'value', true),
  ],
};

const ROWS: Row[] = Array.from({ length: 50 }, (_, at) => ({
  at: 1_700_000_000_000 + at * 7,
  place: ['Zürich', '東京', '', '😀'][at % 4],
  unit: BigInt(at % 3),
  note: at % 5 === 0 ? undefined : JSON.stringify({ at }),
  raw: at % 4 === 1 ? undefined : Uint8Array.of(at, 0, 255),
  on: at % 3 === 0 ? undefined : at % 2 === 0,
  count: at % 6 === 0 ? undefined : -at,
  big: at % 7 === 0 ? undefined : 2n ** 62n + BigInt(at),
  single: at % 8 === 0 ? undefined : Math.fround(at / 3),
  double: at === 9 ? Number.NaN : at / 7,
  seen: at % 9 === 0 ? undefined : -at,
}));

/** What a reader that knows nothing of millrace finds, by lsn. */
function found(table: Table): Map<bigint, Row> {
  return new Map(table.toArray().map((row) => [row.$lsn, row.toJSON()]));
}

describe('A segment, opened by Arrow alone', () => {
  const segment = () => build({ layout: EVERYTHING, blockRows: 20 }, entriesOf(EVERYTHING, ROWS, { firstLsn: 100 }));

  it('is a table with the columns of the stream behind $lsn', () => {
    const { schema } = tableFromIPC(segment().bytes);
    expect(schema.fields.map(({ name, type, nullable }) => `${name}: ${type}${nullable ? ', nullable' : ''}`)).toEqual([
      '$lsn: Int64',
      'at: Timestamp<MILLISECOND, UTC>',
      'place: Utf8',
      'unit: Int64',
      'note: Utf8, nullable',
      'raw: Binary, nullable',
      'on: Bool, nullable',
      'count: Int32, nullable',
      'big: Int64, nullable',
      'single: Float32, nullable',
      'double: Float64',
      'seen: Timestamp<MILLISECOND, UTC>, nullable',
    ]);
    expect(schema.fields[4]!.metadata.get('millrace.type')).toBe('json');
    expect(schema.fields[2]!.metadata.get('millrace.role')).toBe('key');
  });

  it('has every row with every value', () => {
    const rows = found(tableFromIPC(segment().bytes));
    expect(rows.size).toBe(ROWS.length);
    ROWS.forEach((row, at) => {
      const expected = Object.entries(row).map(([name, value]) => [name, value ?? null]);
      expect(rows.get(BigInt(100 + at))).toEqual({ $lsn: BigInt(100 + at), ...Object.fromEntries(expected) });
    });
  });

  it('is read batch by batch, each with its nulls counted', () => {
    const reader = RecordBatchFileReader.from(segment().bytes).open();
    expect(reader.numRecordBatches).toBe(3);
    const batches = [0, 1, 2].map((at) => reader.readRecordBatch(at) as RecordBatch);
    expect(batches.map((batch) => batch.numRows)).toEqual([20, 20, 10]);
    expect(batches.map((batch) => batch.getChild('note')!.nullCount)).toEqual([4, 4, 2]);
    expect(batches.map((batch) => batch.getChild('double')!.nullCount)).toEqual([0, 0, 0]);
  });

  it('is read as a stream of messages too, from behind the magic', () => {
    expect(found(tableFromIPC(segment().bytes.subarray(8))).size).toBe(ROWS.length);
  });

  it('can have no rows at all', () => {
    const empty = build({ layout: EVERYTHING }, []);
    expect(empty.info.blocks).toEqual([]);
    expect(tableFromIPC(empty.bytes).numRows).toBe(0);
  });
});
