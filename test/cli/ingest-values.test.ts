import { converterOf } from '../../src/cli/ingest/convert.js';
import { CsvSource } from '../../src/cli/ingest/csv-source.js';
import { inferColumn } from '../../src/cli/ingest/infer.js';
import { NdjsonSource } from '../../src/cli/ingest/ndjson-source.js';
import { type Source, Unfit } from '../../src/cli/ingest/source.js';
import { guessUnit, readTime } from '../../src/cli/ingest/time.js';
import type { ColumnType } from '../../src/wal/column.js';

it.each([
  [['1', '-2', '+3'], 'int32'],
  [['1', '2147483648'], 'int64'],
  [['9223372036854775807'], 'int64'],
  [['9223372036854775808'], 'string'],
  [['1', '2.5', '1e3', '.5', '5.'], 'float64'],
  [['1', 'NaN', '-inf'], 'float64'],
  [['true', 'FALSE'], 'bool'],
  [['007'], 'string'],
  [['1', 'a'], 'string'],
  [['1', ...Array(9).fill('2'), 'a'], 'int32'],
  [['1', ...Array(8).fill('2'), 'a', 'b'], 'string'],
  [['1', ''], 'int32?'],
  [['a', ''], 'string?'],
  [['', ''], 'string?'],
])('infers CSV cells %j as %s', (cells, expected) => {
  const { type, optional } = inferColumn(cells, 'csv', false);
  expect(`${type}${optional ? '?' : ''}`).toBe(expected);
});

it.each([
  [[1, -2], 'int32'],
  [[1, 2 ** 40], 'int64'],
  [[1, 2.5], 'float64'],
  [[1e300], 'float64'],
  [[true], 'bool'],
  [['1'], 'string'],
  [[{}], 'json'],
  [[1, 'a'], 'json'],
  [[1, null], 'int32?'],
  [[1, undefined], 'int32?'],
])('infers JSON values %j as %s', (cells, expected) => {
  const { type, optional } = inferColumn(cells, 'ndjson', false);
  expect(`${type}${optional ? '?' : ''}`).toBe(expected);
});

it('takes all values of a key', () => {
  expect(inferColumn(['1', ...Array(99).fill('2'), 'a'], 'csv', true).type).toBe('string');
});

it.each([
  ['2024-05-01T12:00:00Z', Date.UTC(2024, 4, 1, 12)],
  ['2024-05-01T12:00:00.123456Z', Date.UTC(2024, 4, 1, 12, 0, 0, 123)],
  ['2024-05-01 12:00:00', Date.UTC(2024, 4, 1, 12)],
  ['2024-05-01 12:00', Date.UTC(2024, 4, 1, 12)],
  ['2024-05-01 12:00:00 UTC', Date.UTC(2024, 4, 1, 12)],
  ['2024-05-01', Date.UTC(2024, 4, 1)],
  ['2024-05-01T12:00:00+02:00', Date.UTC(2024, 4, 1, 10)],
  ['2024-05-01T12:00:00-0230', Date.UTC(2024, 4, 1, 14, 30)],
  ['2024-02-29', Date.UTC(2024, 1, 29)],
  ['0099-01-01', new Date(0).setUTCFullYear(99)],
  ['2023-02-29', null],
  ['2024-13-01', null],
  ['2024-05-01 24:00:00', null],
  ['2024-05-01 12:60', null],
  ['2024-05-01 12:00:60', null],
  ['1.5.2024', null],
  ['', null],
  ['12 o’clock', null],
  [1_700_000_000_000, 1_700_000_000_000],
  ['1700000000000.6', 1_700_000_000_001],
  [true, null],
  [null, null],
])('reads the time %j', (cell, expected) => {
  const time = readTime(cell, 'ms');
  expect(time instanceof Unfit ? null : time).toBe(expected);
});

it.each([
  [['1424986973'], 's', 1_424_986_973_000],
  [['1424986973.25'], 's', 1_424_986_973_250],
  [['5', '1424986973000'], 'ms', 5],
  [[1_424_986_973_000_000], 'us', 1_424_986_973_000],
  [['1424986973000000000'], 'ns', 1_424_986_973_000],
])('guesses the unit of %j', (cells, unit, first) => {
  expect(guessUnit(cells)).toBe(unit);
  expect(readTime(cells[0], guessUnit(cells)!)).toBe(first);
});

it('guesses no unit where there are no numbers', () => {
  expect(guessUnit(['2024-05-01', ''])).toBe(null);
});

it.each<[ColumnType, unknown, unknown]>([
  ['int32', '2147483647', 2_147_483_647],
  ['int32', '2147483648', null],
  ['int32', '1.0', null],
  ['int64', '-9223372036854775808', -(2n ** 63n)],
  ['int64', '9223372036854775808', null],
  ['float64', '1e3', 1_000],
  ['float64', 'inf', Number.POSITIVE_INFINITY],
  ['float64', '0x10', null],
  ['bool', 'True', true],
  ['bool', '0', false],
  ['bool', 'no', null],
  ['string', ' a ', ' a '],
  ['json', '{"a":1}', { a: 1 }],
  ['json', '{a', null],
  ['bytes', 'AAE=', Uint8Array.of(0, 1)],
  ['bytes', 'AAE', null],
])('makes a %s of the cell %j', (type, cell, expected) => {
  const convert = converterOf({ name: 'c', type, role: 'value', optional: false }, 'csv', 'ms');
  const value = convert(cell);
  if (expected === null) expect(value).toBeInstanceOf(Unfit);
  else expect(value).toEqual(expected);
});

async function* inChunks(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function rowsOf(source: Source) {
  const rows: { line: number; cells: unknown; fault: string | null }[] = [];
  for await (const batch of source.batches())
    for (const { line, cells, fault } of batch) rows.push({ line, cells, fault });
  return rows;
}

const CSV = '\ufeff"a",b\r\n1,"x\r\ny ""q"""\r\n\r\n2,é 5" z\r\n3\r\n4,"two\nmore\nlines"\r\n5,end';

it.each([1, 2, 3, 7, 1_000])('reads the same CSV in chunks of %d bytes', async (size) => {
  const source = new CsvSource(inChunks(Buffer.from(CSV), Math.max(size, 3)), ',');
  expect(await rowsOf(source)).toEqual([
    { line: 2, cells: ['1', 'x\r\ny "q"'], fault: null },
    { line: 5, cells: ['2', 'é 5" z'], fault: null },
    { line: 6, cells: ['3'], fault: 'has 1 cells where the header has 2' },
    { line: 7, cells: ['4', 'two\nmore\nlines'], fault: null },
    { line: 10, cells: ['5', 'end'], fault: null },
  ]);
  expect(source.columnsOf()).toEqual(['a', 'b']);
});

it.each([1, 2, 5, 1_000])('reads the same NDJSON in chunks of %d bytes', async (size) => {
  const text = '\ufeff{"a":"é"}\r\n\n{"a":2}\n3\n{"a":4}';
  expect(await rowsOf(new NdjsonSource(inChunks(Buffer.from(text), size)))).toEqual([
    { line: 1, cells: { a: 'é' }, fault: null },
    { line: 3, cells: { a: 2 }, fault: null },
    { line: 4, cells: {}, fault: 'is not a JSON object' },
    { line: 5, cells: { a: 4 }, fault: null },
  ]);
});
