import {
  type AnyColumn,
  bool,
  bytes,
  Column,
  float32,
  float64,
  int32,
  int64,
  json,
  key,
  MillraceError,
  type Schema,
  SchemaError,
  string,
  tag,
  timestamp,
} from '../../src/index.js';
import { layoutOf, schemaOf } from '../../src/streams/schema.js';
import { newMill, thrown } from '../support/stream-mills.js';

const time = { ts: timestamp() };

describe('schema builders', () => {
  it.each([
    ['timestamp', timestamp()],
    ['string', string()],
    ['bool', bool()],
    ['int32', int32()],
    ['int64', int64()],
    ['float32', float32()],
    ['float64', float64()],
    ['json', json()],
    ['bytes', bytes()],
  ])('%s() makes a column of that type, required until it is made optional', (type, column: AnyColumn) => {
    expect(column).toBeInstanceOf(Column);
    expect(column).toMatchObject({ type, role: 'value', isOptional: false });
    expect(column.optional()).toMatchObject({ type, role: 'value', isOptional: true });
    expect(column.isOptional).toBe(false);
  });

  it('key() and tag() give a column its role; a tag stays optional where it is', () => {
    expect(key(string())).toMatchObject({ type: 'string', role: 'key', isOptional: false });
    expect(tag(string())).toMatchObject({ role: 'tag', isOptional: false });
    expect(tag(string().optional())).toMatchObject({ role: 'tag', isOptional: true });
    expect(tag(string()).optional()).toMatchObject({ role: 'tag', isOptional: true });
  });

  it.each([string(), int32(), int64(), bool()])('key() takes %j', (column) => {
    expect(key(column as never)).toMatchObject({ role: 'key', type: column.type });
  });

  it.each([float64(), float32(), timestamp(), json(), bytes(), string().optional()])('key() refuses %j', (column) => {
    expect(thrown(() => key(column as never))).toBeInstanceOf(SchemaError);
  });

  it('a key cannot be made optional', () => {
    expect(thrown(() => key(string()).optional())).toMatchObject({ code: 'SCHEMA' });
  });
});

describe('the layout of a schema', () => {
  it('has the columns in the order of their declaration, the first required timestamp being the event time', () => {
    const schema = { at: timestamp().optional(), ts: timestamp(), seen: timestamp(), id: key(int32()), v: json() };
    expect(layoutOf('s', schema)).toEqual([
      { name: 'at', type: 'timestamp', role: 'value', optional: true },
      { name: 'ts', type: 'timestamp', role: 'time', optional: false },
      { name: 'seen', type: 'timestamp', role: 'value', optional: false },
      { name: 'id', type: 'int32', role: 'key', optional: false },
      { name: 'v', type: 'json', role: 'value', optional: false },
    ]);
  });

  it('is made into the schema that it came from', () => {
    const layout = layoutOf('s', { ts: timestamp(), id: key(int32()), place: tag(string()), v: json().optional() });
    expect(layoutOf('s', schemaOf(layout))).toEqual(layout);
  });

  it('may have 1,000 columns, no column more', () => {
    const wide = (count: number): Schema =>
      Object.fromEntries(Array.from({ length: count }, (_, at) => [`c${at}`, at === 0 ? timestamp() : float64()]));
    expect(layoutOf('s', wide(1_000))).toHaveLength(1_000);
    expect(thrown(() => layoutOf('s', wide(1_001)))).toMatchObject({ code: 'SCHEMA', stream: 's' });
  });

  it('refuses 100,000 columns in no time', () => {
    const schema = Object.fromEntries(Array.from({ length: 100_000 }, (_, at) => [`c${at}`, float64()]));
    const startedAt = performance.now();
    expect(thrown(() => newMill().stream('s', { schema })).message).toMatch(/100000 columns/);
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });

  it.each<[string, unknown]>([
    ['no columns', {}],
    ['no schema', undefined],
    ['null', null],
    ['no event time', { v: float64() }],
    ['an optional event time only', { ts: timestamp().optional() }],
    ['an array', [timestamp()].slice(1)],
  ])('refuses %s, naming the stream', (_, schema) => {
    const error = thrown(() => newMill().stream('plant', { schema: schema as Schema }));
    expect(error).toBeInstanceOf(SchemaError);
    expect(error).toMatchObject({ code: 'SCHEMA', stream: 'plant' });
    expect(error.message).toContain('"plant"');
  });

  it.each<[string, unknown]>([
    ['a builder that was not called', float64],
    ['a type name', 'float64'],
    ['null', null],
    ['something that looks like a column', { type: 'float64', role: 'value', isOptional: false }],
  ])('refuses %s for a column, naming it', (_, column) => {
    const error = thrown(() => newMill().stream('plant', { schema: { ...time, v: column as AnyColumn } }));
    expect(error).toMatchObject({ code: 'SCHEMA', stream: 'plant', column: 'v' });
  });
});

// A name that is a part of JavaScript would mean something else on some object on its way.
const wrongNames: [string, string][] = [
  ['an empty one', ''],
  ['one of 129 characters', 'x'.repeat(129)],
  ['a control character', 'a\u0000b'],
  ['a line feed', 'a\nb'],
  ['half of a surrogate pair', 'a\ud800'],
  ['an internal one', '$ticks'],
  ['__proto__', '__proto__'],
  ['constructor', 'constructor'],
  ['prototype', 'prototype'],
  ['toString', 'toString'],
  ['hasOwnProperty', 'hasOwnProperty'],
  ['__defineGetter__', '__defineGetter__'],
];
const rightNames = [
  'a',
  'x'.repeat(128),
  'Temperatur (°C)',
  '温度',
  '"; drop table',
  "it's",
  '0',
  '__proto',
  ['a`$', '{b}`'].join(''),
];

describe('names', () => {
  it.each(wrongNames)('of columns: %s is refused', (_, name) => {
    const schema = JSON.parse(`{${JSON.stringify(name)}: 0}`) as Record<string, unknown>;
    for (const own of Object.keys(schema)) Object.defineProperty(schema, own, { value: float64(), enumerable: true });
    const error = thrown(() => newMill().stream('plant', { schema: { ...time, ...schema } as Schema }));
    expect(error).toMatchObject({ code: 'SCHEMA', stream: 'plant', column: name });
  });

  it.each(wrongNames)('of streams: %s is refused', (_, name) => {
    const error = thrown(() => newMill().stream(name, { schema: time }));
    expect(error).toBeInstanceOf(MillraceError);
    expect(error.code).toBe('INVALID_ARGUMENT');
  });

  it.each([5, null, {}, Symbol('s')])('of streams: %p is refused', (name) => {
    expect(thrown(() => newMill().stream(name as unknown as string, { schema: time })).code).toBe('INVALID_ARGUMENT');
  });

  it.each(rightNames)('of streams and columns: %j is taken, and used as it is', async (name) => {
    const mill = newMill();
    const stream = mill.stream(name, {
      schema: { ts: timestamp(), [name]: string(), [`k ${name}`.slice(0, 128)]: key(string()) },
    });
    await mill.start();
    const rows: unknown[] = [];
    stream.subscribe((row) => rows.push(row));
    const row = { ts: 1, [name]: 'v', [`k ${name}`.slice(0, 128)]: 'k' };
    await stream.append(row as never);
    expect(rows).toEqual([row]);
    expect(mill.streamNames).toEqual([name]);
  });
});
