import { bool, bytes, float32, float64, int32, int64, json, key, string, tag, timestamp } from '../../src/index.js';

/** Columns of every type and role. */
export const schema = {
  ts: timestamp(),
  device: key(string()),
  slot: key(int32()),
  place: tag(string()).optional(),
  text: string(),
  flag: bool(),
  small: int32(),
  large: int64(),
  single: float32(),
  double: float64(),
  any: json(),
  raw: bytes(),
};

/** A row that fits. */
export const right = {
  ts: 1,
  device: 'd',
  slot: 1,
  text: '',
  flag: false,
  small: 0,
  large: 0n,
  single: 0,
  double: 0,
  any: 0,
  raw: new Uint8Array(),
};

const circular: Record<string, unknown> = {};
circular.self = circular;
let deep: unknown = 0;
for (let depth = 0; depth < 10_000; depth++) deep = { deep };
const selfish = { toJSON: (): unknown => selfish };
const tooLong = 16 * 1024 * 1024 + 1;
const throwing = (name: string): object =>
  Object.defineProperty({ ...right }, name, {
    enumerable: true,
    get() {
      throw new RangeError('from the getter');
    },
  });

/** Column, what is wrong, and a value that must not get into the log. */
export const wrongValues: [column: string, what: string, value: unknown][] = [
  ['ts', 'missing', undefined],
  ['ts', 'null', null],
  ['ts', 'NaN', Number.NaN],
  ['ts', 'a fraction', 0.5],
  ['ts', 'infinite', Number.POSITIVE_INFINITY],
  ['ts', 'minus infinite', Number.NEGATIVE_INFINITY],
  ['ts', 'beyond the safe integers', 2 ** 53],
  ['ts', 'an invalid Date', new Date(Number.NaN)],
  ['ts', 'a text', '2024-01-01'],
  ['ts', 'a bigint', 1n],
  ['device', 'missing', undefined],
  ['device', 'null', null],
  ['device', 'a number', 5],
  ['device', 'a String object', new String('d')],
  ['device', 'half of a surrogate pair', 'a\ud83d'],
  ['slot', 'missing', undefined],
  ['slot', 'a fraction', 1.5],
  ['slot', 'a text', '1'],
  ['place', 'a number', 1],
  ['place', 'half of a surrogate pair', '\udc00'],
  ['text', 'missing', undefined],
  ['text', 'null', null],
  ['text', 'a symbol', Symbol('t')],
  ['text', 'a function', () => 't'],
  ['text', 'half of a surrogate pair', '\ud800x'],
  ['text', 'too large', 'x'.repeat(tooLong)],
  ['text', 'too large as UTF-8', '€'.repeat(Math.ceil(tooLong / 3))],
  ['flag', 'a number', 1],
  ['flag', 'null', null],
  ['small', '2^31', 2 ** 31],
  ['small', '-2^31 - 1', -(2 ** 31) - 1],
  ['small', 'a fraction', 0.1],
  ['small', 'NaN', Number.NaN],
  ['small', 'a bigint', 1n],
  ['large', 'a number', 1],
  ['large', '2^63', 2n ** 63n],
  ['large', '-2^63 - 1', -(2n ** 63n) - 1n],
  ['single', 'a text', '1'],
  ['single', 'null', null],
  ['double', 'a Date', new Date()],
  ['double', 'a Number object', new Number(1)],
  ['any', 'missing', undefined],
  ['any', 'circular', circular],
  ['any', 'nested 10,000 deep', deep],
  ['any', 'its own toJSON', selfish],
  ['any', 'a function', () => 1],
  ['any', 'a symbol inside', [Symbol('s')]],
  ['any', 'a Map', new Map()],
  ['any', 'a typed array', new Float64Array(1)],
  ['any', 'too large as JSON', ['x'.repeat(tooLong)]],
  ['any', 'a getter that throws inside', [throwing('any')]],
  ['raw', 'an array', [1, 2]],
  ['raw', 'an ArrayBuffer', new ArrayBuffer(2)],
  ['raw', 'a view that is not of bytes', new Uint16Array(2)],
  ['raw', 'a text', 'bytes'],
  ['raw', 'too large', new Uint8Array(tooLong)],
  ['unknown', 'a column that the schema does not have', 1],
  ['unknown', 'a column that the schema does not have, even undefined', undefined],
  ['toString', 'an own toString', () => 'x'],
];

const own = (name: string, value: unknown): object =>
  Object.defineProperty({ ...right }, name, { value, enumerable: true });

/** Rows, and the column that the error names, where it is a column. */
export const wrongRows: [what: string, row: unknown, column: string | undefined][] = [
  ...wrongValues.map(
    ([column, what, value]) =>
      [`${column}: ${what}`, { ...right, [column]: value }, column] as [string, unknown, string],
  ),
  ['__proto__ as JSON.parse makes it', own('__proto__', { polluted: true }), '__proto__'],
  ['constructor as JSON.parse makes it', JSON.parse('{"constructor": {"prototype": {"ts": 1}}}'), 'constructor'],
  ['a getter that throws', throwing('double'), 'double'],
  ['a getter of the key that throws', throwing('device'), 'device'],
  ['an inherited column that the schema does not have', Object.assign(Object.create({ more: 1 }), right), 'more'],
  ['nothing', undefined, undefined],
  ['null', null, undefined],
  ['a text', 'row', undefined],
  ['a number', 5, undefined],
  ['a function', () => right, undefined],
  ['an array', [1, 'd'], undefined],
  ['an empty array', [], undefined],
  ['an empty object', {}, 'ts'],
  ['a Date', new Date(), 'ts'],
  ['a Map', new Map(Object.entries(right)), 'ts'],
];
