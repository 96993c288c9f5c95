import { deepStrictEqual } from 'node:assert/strict';
import fc from 'fast-check';
import { fromCanonicalJson, toCanonicalJson } from '../../src/wal/canonical-json.js';

const refusal = expect.objectContaining({ code: 'INVALID_ARGUMENT' });

/** Names that JSON or JavaScript could take for something else. */
const names = fc.oneof(fc.string(), fc.constantFrom('$', '__proto__', 'constructor', 'toString', 'length', '', '0'));

const leaves = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'binary-ascii' }),
  fc.boolean(),
  fc.constant(null),
  fc.double(),
  fc.maxSafeInteger(),
  fc.constantFrom(Number.NaN, -0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
  fc.bigInt(),
  // Two invalid dates are never equal.
  fc.date({ noInvalidDate: true }),
  fc.uint8Array(),
);

/** Anything that canonical JSON keeps. */
const values = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaves,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.array(fc.tuple(names, tie('value')), { maxLength: 4 }).map(objectOf),
    tie('value').map((value) => objectOf([['$', value]])),
    fc.array(tie('value'), { maxLength: 3 }).map((payload) => objectOf([['$', ['bigint', ...payload]]])),
  ),
})).value;

/** An object with own properties only, whatever their names. */
function objectOf(entries: readonly (readonly [string, unknown])[]): object {
  const object = {};
  for (const [name, value] of entries) {
    Object.defineProperty(object, name, { value, enumerable: true, writable: true, configurable: true });
  }
  return object;
}

/** The same value with the keys of every object in the opposite order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (value === null || typeof value !== 'object' || value instanceof Date || value instanceof Uint8Array) return value;
  return objectOf(
    Object.entries(value)
      .reverse()
      .map(([name, item]) => [name, reversed(item)]),
  );
}

describe('canonical JSON', () => {
  it('gives back any value that it keeps', () => {
    fc.assert(
      fc.property(values, (value) => {
        deepStrictEqual(fromCanonicalJson(toCanonicalJson(value)), value);
      }),
      { numRuns: 500 },
    );
  });

  it('says the same value with the same text, in whatever order its keys stand', () => {
    fc.assert(
      fc.property(values, (value) => {
        expect(toCanonicalJson(reversed(value))).toBe(toCanonicalJson(value));
      }),
    );
  });

  it('says different values with different texts', () => {
    fc.assert(
      fc.property(values, values, (one, other) => {
        if (toCanonicalJson(one) !== toCanonicalJson(other)) return;
        deepStrictEqual(fromCanonicalJson(toCanonicalJson(one)), other);
      }),
    );
    expect(toCanonicalJson(0)).not.toBe(toCanonicalJson(-0));
    expect(toCanonicalJson(1)).not.toBe(toCanonicalJson(1n));
  });

  it('is plain JSON for what plain JSON can say', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        fc.pre(!/"\$"|-0\b/.test(JSON.stringify(value)) && !holdsNegativeZero(value));
        deepStrictEqual(JSON.parse(toCanonicalJson(value)), JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it.each<[string, unknown, string]>([
    ['sorted keys', { b: 1, a: [true, null], ä: 'ü' }, '{"a":[true,null],"b":1,"ä":"ü"}'],
    ['NaN', Number.NaN, '{"$":["number","NaN"]}'],
    ['-Infinity', Number.NEGATIVE_INFINITY, '{"$":["number","-Infinity"]}'],
    ['-0', -0, '{"$":["number","-0"]}'],
    ['bigint', 2n ** 64n, '{"$":["bigint","18446744073709551616"]}'],
    ['Date', new Date(5), '{"$":["Date",5]}'],
    ['an invalid Date', new Date(Number.NaN), '{"$":["Date",{"$":["number","NaN"]}]}'],
    ['bytes', Uint8Array.of(1, 2), '{"$":["bytes","AQI="]}'],
    ['a Buffer', Buffer.from('ab'), '{"$":["bytes","YWI="]}'],
    ['an object with the key $ alone', { $: 1 }, '{"$":["object",{"$":1}]}'],
    ['the key $ among others', { $: 1, a: 2 }, '{"$":1,"a":2}'],
    ['undefined in an array', [undefined], '[{"$":["undefined"]}]'],
    ['a hole in an array', Object.assign([], { 1: 1 }), '[{"$":["undefined"]},1]'],
    ['a property that is undefined', { a: undefined, b: 1 }, '{"b":1}'],
    ['an own property __proto__', objectOf([['__proto__', { a: 1 }]]), '{"__proto__":{"a":1}}'],
    ['half a surrogate pair', '\ud83c', '"\\ud83c"'],
    ['toJSON', { toJSON: () => ({ at: new Date(1) }) }, '{"at":{"$":["Date",1]}}'],
  ])('%s', (_, value, text) => {
    expect(toCanonicalJson(value)).toBe(text);
  });

  it('tells $ alone from $ beside a property that is undefined and so is not kept', () => {
    for (const payload of [1, ['bigint', '5'], ['bytes', 'AQI='], null]) {
      const value = { $: payload, gone: undefined };
      expect(toCanonicalJson(value)).toBe(toCanonicalJson({ $: payload }));
      expect(fromCanonicalJson(toCanonicalJson(value))).toEqual({ $: payload });
    }
    expect(toCanonicalJson({ $: undefined })).toBe('{}');
  });

  it('keeps that a Date is invalid', () => {
    const found = fromCanonicalJson(toCanonicalJson(new Date(Number.NaN)));
    expect(found).toBeInstanceOf(Date);
    expect((found as Date).getTime()).toBeNaN();
  });

  it('sets no prototype', () => {
    const found = fromCanonicalJson('{"__proto__":{"polluted":1},"a":{"__proto__":null}}') as Record<string, unknown>;
    expect(Object.getPrototypeOf(found)).toBe(Object.prototype);
    expect(Object.keys(found)).toEqual(['__proto__', 'a']);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    expect(found.polluted).toBeUndefined();
  });

  it.each<[string, () => unknown]>([
    ['a function', () => () => {}],
    ['a symbol', () => [Symbol('s')]],
    ['a Map', () => new Map()],
    ['a Set', () => ({ a: new Set() })],
    ['a Float64Array', () => new Float64Array(1)],
    ['an ArrayBuffer', () => ({ a: new ArrayBuffer(1) })],
    ['a DataView', () => new DataView(new ArrayBuffer(1))],
    ['a depth of ten thousand', () => nested(10_000)],
    ['a depth of ten thousand objects', () => nested(10_000, (inner) => ({ inner }))],
    ['a circular array', () => circular([])],
    ['a circular object', () => circular({})],
    ['a toJSON that never ends', () => endless()],
  ])('refuses %s', (_, make) => {
    expect(() => toCanonicalJson(make())).toThrow(refusal);
  });

  it('takes a depth of a thousand, and what is in several places', () => {
    const deep = nested(999);
    expect(fromCanonicalJson(toCanonicalJson(deep))).toEqual(deep);
    const shared = { a: 1 };
    expect(toCanonicalJson([shared, shared])).toBe('[{"a":1},{"a":1}]');
  });
});

function nested(depth: number, wrap: (inner: unknown) => unknown = (inner) => [inner]): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level++) value = wrap(value);
  return value;
}

function circular(value: unknown[] | Record<string, unknown>): unknown {
  (value as Record<string, unknown>)['0'] = value;
  return value;
}

function endless(): unknown {
  return { toJSON: endless };
}

function holdsNegativeZero(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.values(value).some(holdsNegativeZero);
  return Object.is(value, -0);
}
