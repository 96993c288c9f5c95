import { defer, EMPTY, NEVER, type Observable } from 'rxjs';
import { columnarCodec, type Numbers } from '../../src/snapshots/columnar-codec.js';
import { KeyedState } from '../../src/snapshots/keyed-state.js';
import { jsonCodec, objectCodec } from '../../src/snapshots/state-codec.js';
import { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import { StorageError } from '../../src/storage/storage.js';
import { now } from '../storage/support.js';
import { context, DIRECTORY, fileName, load, makeDirectory, prepareHash, save, write } from './keyed-state-support.js';

beforeAll(prepareHash);

let storage: SimulatedStorage;
beforeEach(() => {
  storage = makeDirectory(new SimulatedStorage());
});

/** Keys 0 to 999, each with its number. */
function filled(count = 1_000): KeyedState<number, number, unknown[]> {
  const state = new KeyedState<number, number, unknown[]>('counts', jsonCodec());
  for (let key = 0; key < count; key++) state.set(key, key);
  return state;
}

const saved = (state: ReturnType<typeof filled>) => save(storage, state as never);
const loaded = (state: ReturnType<typeof filled>) => load(storage, state.files, jsonCodec<number>());
/** Does something after each slice. */
const between = (act: () => void): Observable<never> =>
  defer(() => {
    act();
    return EMPTY;
  });

/** Changes, removes and adds keys all over the state. */
function disturb(state: ReturnType<typeof filled>, turn: number): void {
  for (let key = turn; key < 1_000; key += 7) state.set(key, -turn);
  for (let key = 3 * turn; key < 1_000; key += 11) state.delete(key);
  for (let key = 0; key < 20; key++) state.set(10_000 + 20 * turn + key, turn);
}

const kinds = (state: { files: readonly { kind: string }[] }) => state.files.map(({ kind }) => kind).join(' ');

describe('a capture', () => {
  it('writes a base first, then what changed, until the deltas outgrow it', () => {
    const state = filled();
    saved(state);
    expect(kinds(state)).toBe('base');
    const baseBytes = state.files[0]!.bytes;
    for (let round = 1; round <= 8; round++) {
      state.set(round, -round);
      saved(state);
      expect(kinds(state)).toBe(`base${' delta'.repeat(round)}`);
      expect(state.files.at(-1)!.bytes).toBeLessThan(200);
    }
    state.set(9, -9);
    saved(state);
    expect(kinds(state)).toBe('base');
    for (let key = 0; key < 600; key++) state.set(key, -key);
    saved(state);
    expect(state.files.at(-1)!.bytes).toBeGreaterThan(baseBytes / 2);
    state.set(1, 1);
    saved(state);
    expect(kinds(state)).toBe('base');
    expect([...loaded(state)]).toEqual([...state]);
  });

  it('of a state in which nothing changed needs no file', () => {
    const state = filled(3);
    saved(state);
    const files = saved(state);
    expect(files).toHaveLength(1);
    expect(now(storage.list(DIRECTORY))).toEqual(['state-1']);
    expect(new KeyedState('new', jsonCodec()).capture().isEmpty).toBe(true);
  });

  it('names what went, also where its slot was taken by another key', () => {
    const state = filled(600);
    saved(state);
    for (let key = 100; key < 400; key++) state.delete(key);
    for (let key = 1_000; key < 1_050; key++) state.set(key, key);
    saved(state);
    expect(kinds(state)).toBe('base delta');
    expect([...loaded(state)]).toEqual([...state]);
  });

  it('costs nothing for keys that came and went since the last one', () => {
    const state = filled(600);
    saved(state);
    for (let key = 1_000; key < 51_000; key++) {
      state.set(key, 1);
      state.delete(key);
    }
    saved(state);
    expect(kinds(state)).toBe('base delta');
    expect(state.files.at(-1)!.bytes).toBeLessThan(200);
  });

  it('does not copy what is in slots that are empty', () => {
    const clone = (value: { n: number }) => ({ n: value.n });
    const state = new KeyedState<number, { n: number }, unknown[]>('counts', objectCodec(clone));
    for (let key = 0; key < 300; key++) state.set(key, { n: key });
    save(storage, state as never);
    for (let key = 100; key < 200; key++) state.delete(key);
    const captured = state.capture();
    expect(captured.kind).toBe('delta');
    for (let key = 1_000; key < 1_050; key++) state.set(key, { n: key });
    now(write(storage, captured));
    captured.succeeded();
    const before = load(storage, state.files, objectCodec(clone));
    expect([before.size, before.has(150), before.has(1_000)]).toEqual([200, false, false]);
    save(storage, state as never);
    expect([...load(storage, state.files, objectCodec(clone))]).toEqual([...state]);
  });

  it('is one at a time, and ends once', () => {
    const state = filled(1);
    const captured = state.capture();
    expect(() => state.capture()).toThrow(/captured already/);
    expect(() => captured.succeeded()).toThrow(/not written yet/);
    captured.failed();
    expect(() => captured.failed()).toThrow(/ended already/);
    saved(state);
    expect(loaded(state).get(0)).toBe(0);
  });

  it('that failed is merged into the next one', () => {
    const state = filled();
    saved(state);
    state.set(1, -1).delete(2);
    const captured = state.capture();
    now(write(storage, captured));
    state.set(3, -3);
    captured.failed();
    saved(state);
    expect(kinds(state)).toBe('base delta');
    expect(state.files.at(-1)!.number).toBeGreaterThan(captured.number);
    expect([...loaded(state)]).toEqual([...state]);
  });

  it('names the state and the key of a value that cannot be written, and can be tried again without it', () => {
    const state = new KeyedState<string, unknown, unknown[]>('orders', jsonCodec());
    state.set('a7', { at: new Map() });
    const captured = state.capture();
    expect(() => [...captured.slices('file', context())]).toThrow(/orders .* key "a7" .*Map/);
    captured.failed();
    state.set('a7', 1);
    const next = state.capture();
    now(write(storage, next));
    next.succeeded();
    expect(kinds(state)).toBe('base');
  });
});

describe('what is written', () => {
  it.each(['base', 'delta'] as const)(
    'in a %s is the state at the capture, whatever changes between the slices',
    (kind) => {
      const state = filled();
      if (kind === 'delta') saved(state);
      for (let key = 0; key < 1_000; key += 3) state.set(key, key + 0.5);
      const expected = [...state];
      const captured = state.capture();
      expect(captured.kind).toBe(kind);
      let turn = 0;
      now(
        write(
          storage,
          captured,
          between(() => disturb(state, turn++)),
        ),
      );
      captured.succeeded();
      expect([...loaded(state)]).toEqual(expected);
      saved(state);
      expect([...loaded(state)]).toEqual([...state]);
    },
  );

  it('is so with columns, changed in place', () => {
    const state = new KeyedState<number, Numbers, Float64Array>('counts', columnarCodec(2));
    for (let key = 0; key < 1_000; key++) state.set(key, [key, 1]);
    const expected = [...state];
    const captured = state.capture();
    const add = () => {
      for (const slot of state.slots()) state.change(slot)[state.offset(slot)]! += 1;
    };
    now(write(storage, captured, between(add)));
    captured.succeeded();
    expect([...load(storage, state.files, columnarCodec(2))]).toEqual(expected);
    expect(state.get(0)![0]).toBeGreaterThan(20);
  });

  it('comes in slices of few entries, each a block', () => {
    const state = filled();
    const slices = [...state.capture().slices('file', context())];
    expect(slices.map(({ length }) => length > 1_000)).toEqual([false, true, true, false]);
    const captured = filled().capture();
    expect([...captured.slices('file', context(), 100)]).toHaveLength(12);
    expect(captured.files[0]!.bytes).toBeGreaterThan(10_000);
  });

  it('ends without an end where the capture fails in between', () => {
    const state = filled();
    const captured = state.capture();
    const slices = captured.slices('file', context(), 10);
    slices.next();
    slices.next();
    captured.failed();
    expect([...slices].length).toBeLessThan(30);
    expect(() => captured.files).toThrow(/not written/);
  });

  it('replaces what an attempt that failed left under the name', () => {
    const state = filled(5);
    const path = `${DIRECTORY}/${fileName({ number: 1 })}`;
    storage.replace(path, new Uint8Array(100_000).fill(7));
    saved(state);
    expect(storage.contents(path)).toHaveLength(state.files[0]!.bytes);
    expect([...loaded(state)]).toEqual([...state]);
  });

  it.each(['open', 'truncate', 'write', 'sync', 'close'] as const)(
    'fails with the disk at %s, and leaves nothing open',
    (operation) => {
      const state = filled(100);
      const captured = state.capture();
      storage.failAt({ operation, nth: 1, code: 'ENOSPC' });
      expect(() => now(write(storage, captured))).toThrow(StorageError);
      captured.failed();
      if (operation !== 'close') expect(storage.openFiles).toBe(0);
      saved(state);
      expect([...loaded(state)]).toEqual([...state]);
    },
  );

  it('closes the file when it is unsubscribed', () => {
    const captured = filled().capture();
    const subscription = write(storage, captured, NEVER).subscribe();
    expect(storage.openFiles).toBe(1);
    subscription.unsubscribe();
    captured.failed();
    expect(storage.openFiles).toBe(0);
  });
});
