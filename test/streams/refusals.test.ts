import { lastValueFrom, of } from 'rxjs';
import { SchemaError } from '../../src/errors.js';
import type { DurableStream, Millrace } from '../../src/index.js';
import { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import { failure, startedMill } from '../support/stream-mills.js';
import { right, schema, wrongRows, wrongValues } from '../support/stream-refusals.js';

let storage: SimulatedStorage;
let mill: Millrace;
let stream: DurableStream<unknown, unknown>;
let before: string[];
const files = (): string[] =>
  storage.paths().map((path) => `${path} ${Buffer.from(storage.contents(path)).toString('latin1')}`);

beforeEach(async () => {
  storage = new SimulatedStorage();
  const started = await startedMill({ storage }, schema);
  mill = started.mill;
  stream = started.readings as unknown as DurableStream<unknown, unknown>;
  before = files();
});

/** Refused, saying where, and with nothing in the log. */
async function expectRefused(promise: Promise<unknown>, column: string | undefined, row?: number): Promise<void> {
  const error = await failure(promise);
  expect(error).toBeInstanceOf(SchemaError);
  expect(error).toMatchObject({ code: 'SCHEMA', stream: 'readings' });
  expect([error.column, error.row]).toEqual([column, row]);
  expect(error.message).toContain('"readings"');
  expect(error.message.length).toBeLessThan(500);
  if (column !== undefined) expect(error.message).toContain(JSON.stringify(column));
  if (row !== undefined) expect(error.message).toMatch(new RegExp(`(Event|Row) ${row}`));
  expect(error.message).toContain('Nothing was written.');
  expect(mill.metrics()).toMatchObject({ events: 0, queue: { filling: 0, waiting: 0 } });
  expect(files()).toEqual(before);
}

describe('a row that does not fit is refused before anything is written', () => {
  it.each(wrongRows)('%s', async (_, row, column) => {
    await expectRefused(stream.append(row), column);
    await expectRefused(stream.appendMany([right, right, row, right]), column, 2);
    await expectRefused(stream.appendMany(new Set([row])), column, 0);
    await expectRefused(lastValueFrom(of(row).pipe(stream.write())), column);
    if (row === null) return;
    const writable = stream.writable();
    const destroyed = new Promise((_, reject) => writable.on('error', reject));
    writable.write(row);
    await expectRefused(destroyed, column);
  });

  it('and a row that fits is still taken afterwards', async () => {
    await failure(stream.append({ ...right, text: 5 }));
    expect(await stream.append(right)).toEqual({ lsn: expect.any(Number) });
    expect(mill.metrics().events).toBe(1);
  });
});

describe('a column that does not fit is refused before anything is written', () => {
  const columns = Object.fromEntries(Object.entries(right).map(([name, value]) => [name, [value, value, value]]));
  const inLists = wrongValues.filter(([column, , value]) => !(column === 'unknown' && value === undefined));

  it.each(inLists)('%s: %s', async (column, _, value) => {
    const isKnown = Object.hasOwn(schema, column);
    const others = column === 'place' ? [null, undefined] : columns[column];
    const given = { ...columns, [column]: isKnown ? [...others!.slice(0, 2), value] : [value] };
    await expectRefused(stream.appendColumns(given), column, isKnown ? 2 : undefined);
  });
});

describe('what is unusual, but fits, is taken', () => {
  class Row {
    ts = 5;
    device = 'class';
    [more: string]: unknown;
    constructor() {
      const { ts: _ts, device: _device, ...others } = right;
      Object.assign(this, others);
    }
    method(): number {
      return 1;
    }
  }

  const frozen = Object.freeze({ ...right, device: 'frozen' });
  const bare = Object.assign(Object.create(null) as object, right, { device: 'bare' });
  const inherited = Object.create({ ...right, device: 'inherited' }) as object;
  const accessor = Object.defineProperty({ ...right }, 'device', { enumerable: true, get: () => 'accessor' });

  it.each<[string, object]>([
    ['class', new Row()],
    ['frozen', frozen],
    ['bare', bare],
    ['inherited', inherited],
    ['accessor', accessor],
    ['proxy', new Proxy({ ...right, device: 'proxy' }, {})],
    ['half a surrogate pair in json', { ...right, device: 'half', any: { a: '\ud800' } }],
    ['json null', { ...right, device: 'json null', any: null }],
    ['empty strings', { ...right, device: '', text: '', any: '' }],
  ])('%s', async (_, row) => {
    const rows: unknown[] = [];
    stream.subscribe((event) => rows.push(event));
    await stream.append(row);
    const expected = Object.fromEntries(
      Object.keys(right).map((name) => [name, (row as Record<string, unknown>)[name]]),
    );
    expect(rows).toEqual([expected]);
  });
});
