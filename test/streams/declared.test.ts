import {
  float32,
  float64,
  int32,
  json,
  key,
  type Millrace,
  type Schema,
  SchemaError,
  string,
  tag,
  timestamp,
} from '../../src/index.js';
import { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import {
  asynchronousDisk,
  failure,
  newMill,
  reading,
  readingSchema,
  readingsOf,
  startedMill,
  take,
  thrown,
} from '../support/stream-mills.js';

let storage: SimulatedStorage;
beforeEach(() => {
  storage = new SimulatedStorage();
});

const contents = (): Record<string, string> =>
  Object.fromEntries(storage.paths().map((path) => [path, Buffer.from(storage.contents(path)).toString('latin1')]));

describe('declared streams are remembered', () => {
  beforeEach(async () => {
    const { mill, readings } = await startedMill({ storage });
    await readings.appendMany(readingsOf(3));
    await mill.close();
  });

  it('with their names, also where the program does not declare them', async () => {
    const mill = newMill({ storage });
    await mill.start();
    expect(mill.streamNames).toEqual(['readings']);
    const remembered = mill.stream('readings');
    expect(mill.stream('readings')).toBe(remembered);
    expect(await take(remembered.from('earliest'), 3)).toEqual(readingsOf(3));
  });

  it('with their schemas: an undeclared stream checks what it takes', async () => {
    const mill = newMill({ storage });
    await mill.start();
    const remembered = mill.stream('readings');
    await remembered.append({ ...reading(3) });
    expect(await failure(remembered.append({ ...reading(4), value: 'x' }))).toMatchObject({ column: 'value' });
    expect(await take(remembered.from('earliest'), 4)).toEqual(readingsOf(4));
  });

  it('and may be declared again, in any order of columns', async () => {
    const { value, ts, device } = readingSchema;
    const { mill, readings } = await startedMill({ storage }, { value, ts, device });
    expect(await take(readings.from('earliest'), 3)).toEqual(readingsOf(3));
    expect(mill.streamNames).toEqual(['readings']);
  });

  it('next to new ones', async () => {
    const mill = newMill({ storage });
    const more = mill.stream('more', { schema: readingSchema });
    await mill.start();
    expect(mill.streamNames).toEqual(['more', 'readings']);
    await more.append(reading(1));
    await mill.stream('readings').append({ ...reading(3) });
    await mill.close();
    const again = newMill({ storage });
    await again.start();
    expect(await take(again.stream('more').from('earliest'), 1)).toEqual([reading(1)]);
    expect(await take(again.stream('readings').from('earliest'), 4)).toEqual(readingsOf(4));
  });
});

describe('a stream declared after start', () => {
  it('takes events at once, and is remembered', async () => {
    const { mill } = await startedMill({ storage });
    const late = mill.stream('late', { schema: readingSchema });
    const seen: unknown[] = [];
    late.subscribe((row) => seen.push(row));
    await late.append(reading(1));
    expect(seen).toEqual([reading(1)]);
    await mill.close();
    const again = newMill({ storage });
    await again.start();
    expect(await take(again.stream('late').from('earliest'), 1)).toEqual([reading(1)]);
  });

  it('is remembered without events, after a power cut too', async () => {
    const { mill, readings } = await startedMill({ storage });
    mill.stream('empty', { schema: readingSchema });
    await readings.append(reading(1));
    const again = newMill({ storage: storage.crash() });
    await again.start();
    expect(again.streamNames).toEqual(['empty', 'readings']);
  });

  it('keeps its declaration when the commit that carried it could not be written', async () => {
    const slow = asynchronousDisk();
    const { mill } = await startedMill({ storage: slow });
    const late = mill.stream('late', { schema: readingSchema });
    slow.failAt({ operation: 'write', nth: 1, code: 'ENOSPC' });
    expect(await failure(late.append(reading(1)))).toMatchObject({ code: 'NOT_WRITTEN' });
    await late.append(reading(2));
    expect(await take(late.from('earliest'), 1)).toEqual([reading(2)]);
    await mill.close();
    const again = newMill({ storage: slow });
    await again.start();
    expect(await take(again.stream('late').from('earliest'), 1)).toEqual([reading(2)]);
  });

  it('is compared with what is remembered at once', async () => {
    const { mill } = await startedMill({ storage });
    await mill.close();
    const again = newMill({ storage });
    await again.start();
    const before = contents();
    const error = thrown(() => again.stream('readings', { schema: { ts: timestamp(), other: float64() } }));
    expect(error).toMatchObject({ code: 'SCHEMA_CHANGED', stream: 'readings' });
    expect(contents()).toEqual(before);
    // The name is free still, for the right declaration.
    await again.stream('readings', { schema: readingSchema }).append(reading(1));
  });
});

describe('a schema that only adds optional columns', () => {
  it('is accepted; older events have undefined there', async () => {
    const first = await startedMill({ storage, vgroups: 4 });
    await first.readings.appendMany(readingsOf(20));
    await first.mill.close();
    const schema = { note: string().optional(), ...readingSchema, place: tag(json()).optional() };
    const second = await startedMill({ storage }, schema);
    await second.readings.append({ ...reading(20), note: 'new', place: [1] });
    await second.readings.append(reading(21));
    const expected = [
      ...readingsOf(20).map((row) => ({ ...row, note: undefined, place: undefined })),
      { ...reading(20), note: 'new', place: [1] },
      { ...reading(21), note: undefined, place: undefined },
    ];
    expect(await take(second.readings.from('earliest'), 22)).toStrictEqual(expected);
    await second.mill.close();
    const third = newMill({ storage });
    await third.start();
    expect(await take(third.stream('readings').from('earliest'), 22)).toStrictEqual(expected);
  });

  it('is accepted again and again, and the old program is refused afterwards', async () => {
    let schema: Schema = readingSchema;
    for (let version = 1; version <= 4; version++) {
      const { mill, readings } = await startedMill({ storage }, schema);
      await readings.append(reading(version));
      expect(await take(readings.from('earliest'), version)).toMatchObject(readingsOf(version, 1));
      await mill.close();
      schema = { ...schema, [`more${version}`]: float64().optional() };
    }
    const old = newMill({ storage });
    old.stream('readings', { schema: readingSchema });
    expect(await failure(old.start())).toMatchObject({ code: 'SCHEMA_CHANGED' });
  });
});

describe('any other change of a schema is refused, with the difference in words, and nothing is changed', () => {
  const { ts, device, value } = readingSchema;
  const changes: [string, Schema, RegExp][] = [
    ['a column is gone', { ts, device }, /"value" is gone/],
    ['a new column is not optional', { ...readingSchema, more: float64() }, /"more" is new and not optional/],
    ['another type', { ts, device, value: float32() }, /"value" was float64\(\), now float32\(\)/],
    ['optional now', { ts, device, value: value.optional() }, /"value" was float64\(\), now float64\(\)\.optional\(\)/],
    ['another role', { ts, device: string(), value }, /"device" was key\(string\(\)\), now string\(\)/],
    ['another key', { ts, device, value, slot: key(int32()) }, /"slot" is new and not optional/],
    ['renamed', { ts, device, values: value }, /"value" is gone.*"values" is new/],
    [
      'another event time',
      { at: timestamp(), ts, device, value },
      /"ts" was timestamp\(\) as event time, now timestamp\(\).*"at" is new/,
    ],
  ];

  async function refused(start: () => Promise<unknown>): Promise<void> {
    const before = contents();
    const error = await failure(start());
    expect(error).toBeInstanceOf(SchemaError);
    expect(error).toMatchObject({ code: 'SCHEMA_CHANGED', stream: 'readings' });
    expect(error.message).toContain('Nothing was changed');
    expect(contents()).toEqual(before);
  }

  it.each(changes)('%s', async (_, schema, words) => {
    const { mill } = await startedMill({ storage });
    await mill.close();
    const changed: Millrace = newMill({ storage });
    changed.stream('other', { schema: readingSchema });
    changed.stream('readings', { schema });
    await refused(() => changed.start());
    const error = await failure(changed.start());
    expect(error.message).toMatch(words);
    // The directory is free, and the mill is as it was.
    const again = await startedMill({ storage });
    expect(again.mill.streamNames).toEqual(['readings']);
  });
});
