import fc from 'fast-check';
import { MillraceError } from '../../src/errors.js';
import { columnarCodec } from '../../src/snapshots/columnar-codec.js';
import { wantsBase } from '../../src/snapshots/compaction.js';
import { KeyedState } from '../../src/snapshots/keyed-state.js';
import { restoreState } from '../../src/snapshots/load-state.js';
import { jsonCodec } from '../../src/snapshots/state-codec.js';
import { identityOf, keyOf, type StateKey } from '../../src/snapshots/state-key.js';
import { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import { toCanonicalJson } from '../../src/wal/canonical-json.js';
import { now } from '../storage/support.js';
import { context, DIRECTORY, load, makeDirectory, prepareHash, save } from './keyed-state-support.js';

beforeAll(prepareHash);

const newState = () => new KeyedState<StateKey, unknown, unknown[]>('counts', jsonCodec());

const keyPart = fc.oneof(fc.string({ unit: 'binary' }), fc.double(), fc.bigInt(), fc.boolean(), fc.constant('\u0000t'));
const anyKey: fc.Arbitrary<StateKey> = fc.oneof(keyPart, fc.array(keyPart, { maxLength: 3 }));

describe('KeyedState', () => {
  it('is a Map: get, set, has, delete, size', () => {
    const state = newState();
    expect(state.get('a7')).toBeUndefined();
    state.set('a7', 1).set('b2', { mean: 21.5 }).set('a7', 2);
    expect(state.get('a7')).toBe(2);
    expect(state.has('b2')).toBe(true);
    expect(state.size).toBe(2);
    expect(state.delete('a7')).toBe(true);
    expect(state.delete('a7')).toBe(false);
    expect(state.has('a7')).toBe(false);
    expect([...state]).toEqual([['b2', { mean: 21.5 }]]);
  });

  it('has a key as often as it is inserted where keys are not looked for, and finds it by slot, also after a load', () => {
    const storage = makeDirectory(new SimulatedStorage());
    const state = new KeyedState<StateKey, unknown, unknown[]>('windows', jsonCodec(), false);
    const slots = ['a7', ['a7', 1], 'a7'].map((key, at) => {
      const slot = state.insert(key as StateKey);
      state.change(slot)[state.offset(slot)] = at;
      return slot;
    });
    state.remove(slots[0]!);
    expect(state.size).toBe(2);
    expect([...state]).toEqual([
      [['a7', 1], 1],
      ['a7', 2],
    ]);
    save(storage, state);
    const again = new KeyedState<StateKey, unknown, unknown[]>('windows', jsonCodec(), false);
    now(restoreState(storage, DIRECTORY, state.files, again, context()));
    expect([...again]).toEqual([...state]);
    expect([...again.allSlots()]).toEqual(slots.slice(1));
    expect(again.insert('b2')).toBe(slots[0]);
  });

  it.each<[StateKey, StateKey]>([
    ['1', 1],
    [1, 1n],
    ['true', true],
    [['a', 'b'], ['ab']],
    [
      ['a', 1],
      ['a', '1'],
    ],
    [['a'], 'a'],
    [['s1:a'], ['a']],
    [[], ''],
    [['\u0000'], '\u0000'],
    [[true], [1]],
  ])('tells key %p from %p', (one, other) => {
    const state = newState().set(one, 'one').set(other, 'other');
    expect(state.get(one)).toBe('one');
    expect(state.get(other)).toBe('other');
    expect([...state.entries()].map(([key]) => key)).toEqual([one, other]);
  });

  it.each<[StateKey, StateKey]>([
    [-0, 0],
    [Number.NaN, Number.NaN],
    [
      ['a', -0],
      ['a', 0],
    ],
    [10n ** 30n, 10n ** 30n],
  ])('takes key %p for %p', (one, other) => {
    expect(newState().set(one, 'one').get(other)).toBe('one');
  });

  it('two keys are the same exactly if their canonical JSON is', () => {
    const canonical = (key: StateKey) => toCanonicalJson(Array.isArray(key) ? key.map(unsigned) : unsigned(key));
    fc.assert(
      fc.property(anyKey, anyKey, (one, other) => {
        expect(identityOf(one) === identityOf(other) || Object.is(identityOf(one), identityOf(other))).toBe(
          canonical(one) === canonical(other),
        );
        expect(canonical(keyOf(identityOf(one)))).toBe(canonical(one));
      }),
    );
  });

  it.each([[undefined], [null], [{}], [Symbol('a')], [['a', null]], [[['a']]]])('refuses %p as a key', (key) => {
    expect(() => newState().get(key as never)).toThrow(MillraceError);
  });

  it('refuses what cannot be a value before it is in the state', () => {
    const state = newState();
    expect(() => state.set('a', () => 1)).toThrow(/function/);
    const sums = new KeyedState('sums', columnarCodec(2));
    expect(() => sums.set('a', [1])).toThrow(/2 fields, not 1/);
    expect(state.size + sums.size).toBe(0);
    expect(() => columnarCodec(0)).toThrow(/fields/);
  });

  it('gives the array of a slot, interleaved, and zeros to a new key', () => {
    const sums = new KeyedState<string, ArrayLike<number>, Float64Array>('sums', columnarCodec(2));
    for (const key of ['a', 'b', 'a']) {
      const slot = sums.claim(key);
      const values = sums.change(slot);
      values[sums.offset(slot)]! += 1;
      values[sums.offset(slot) + 1]! += 21.5;
    }
    expect(sums.get('a')).toEqual(Float64Array.of(2, 43));
    sums.delete('a');
    expect(sums.find('a')).toBe(-1);
    expect(sums.get('a')).toBeUndefined();
    expect(sums.values(sums.claim('c'))[sums.offset(sums.claim('c'))]).toBe(0);
    expect(sums.key(sums.claim('c'))).toBe('c');
  });

  it.each<[string, (number: number) => StateKey]>([
    ['strings', (number) => `${number}`],
    ['numbers', (number) => number * 60_000],
    ['bigints', (number) => BigInt(number) << 20n],
    ['tuples', (number) => [number, 'x']],
  ])('finds each of very many %s, and no others', (_, keyAt) => {
    const state = newState();
    for (let number = 0; number < 50_000; number++) state.set(keyAt(number), number);
    for (let number = 0; number < 50_000; number += 3) state.delete(keyAt(number));
    for (let number = 0; number < 50_000; number++)
      if (state.get(keyAt(number)) !== (number % 3 === 0 ? undefined : number)) throw new Error(`at ${number}`);
    expect(state.size).toBe(33_333);
  });

  it('sums independently of order, and of the way the contents came about', () => {
    const { hash } = context();
    const one = newState().set('a', 1).set('b', 2).set('c', 3);
    const other = newState().set('x', 0).set('c', 3).set('b', 0).set('a', 1).set('b', 2);
    other.delete('x');
    expect(other.sum(hash)).toBe(one.sum(hash));
    expect(other.set('b', 3).sum(hash)).not.toBe(one.sum(hash));
    expect(newState().set('a', 2).set('b', 1).sum(hash)).not.toBe(newState().set('a', 1).set('b', 2).sum(hash));
    expect(newState().sum(hash)).toBe(0n);
  });

  it('sums one state in slices while it changes', () => {
    const { hash } = context();
    const state = newState();
    for (let at = 0; at < 1_000; at++) state.set(at, at);
    const before = state.sum(hash);
    const slices = state.sumInSlices(hash);
    let step = slices.next();
    for (let at = 0; !step.done; at++, step = slices.next()) {
      for (let key = at; key < 1_000; key += 3) state.set(key, 'changed');
      state.delete(at);
    }
    expect(step.value).toBe(before);
    expect(state.sum(hash)).not.toBe(before);
  });

  it('takes one NaN for all', () => {
    const { hash } = context();
    const other = new Float64Array(new BigUint64Array([0xfff8_0000_0000_0001n]).buffer);
    const sumOf = (value: ArrayLike<number>) => new KeyedState('sums', columnarCodec(1)).set('a', value).sum(hash);
    expect(sumOf(other)).toBe(sumOf([Number.NaN]));
    expect(sumOf([-0])).not.toBe(sumOf([0]));
  });
});

describe('the order of iteration', () => {
  it('is the same where the state was written and loaded in between', () => {
    const change = fc.record({ key: fc.nat(700), count: fc.nat(300), remove: fc.boolean() });
    fc.assert(
      fc.property(fc.array(fc.record({ change, reload: fc.boolean() }), { maxLength: 20 }), (changes) => {
        const storage = makeDirectory(new SimulatedStorage());
        const unbroken = newState();
        let reloaded = newState();
        for (const { change, reload } of changes) {
          if (reload) reloaded = load(storage, save(storage, reloaded), jsonCodec());
          for (const state of [unbroken, reloaded]) {
            for (let key = change.key; key < change.key + change.count; key++) {
              if (change.remove) state.delete(key);
              else state.set(key, key);
            }
          }
        }
        expect([...reloaded]).toEqual([...unbroken]);
      }),
      { numRuns: 25 },
    );
  });
});

describe('wantsBase', () => {
  const files = { baseBytes: 1_000, deltas: 2, deltaBytes: 100, keys: 100, changed: 1 };
  it.each<[string, Partial<typeof files> | { baseBytes: null }, boolean]>([
    ['there is a base and little changed', {}, false],
    ['there is none', { baseBytes: null }, true],
    ['the deltas are half as large', { deltaBytes: 500 }, false],
    ['they are more', { deltaBytes: 501 }, true],
    ['there are seven', { deltas: 7 }, false],
    ['there are eight', { deltas: 8 }, true],
    ['nearly everything changed', { changed: 99 }, false],
    ['everything changed', { changed: 100 }, true],
    ['everything went', { keys: 0, changed: 5 }, true],
  ])('%s', (_, changes, expected) => {
    expect(wantsBase({ ...files, ...changes })).toBe(expected);
  });
});

function unsigned(part: unknown): unknown {
  return typeof part === 'number' ? part + 0 : part;
}
