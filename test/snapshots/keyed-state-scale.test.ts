import type { CapturedState } from '../../src/snapshots/captured-state.js';
import { columnarCodec, type Numbers } from '../../src/snapshots/columnar-codec.js';
import { KeyedState } from '../../src/snapshots/keyed-state.js';
import { context, prepareHash } from './keyed-state-support.js';

beforeAll(prepareHash);

const KEYS = 1_000_000;
const MIB = 1024 * 1024;

type Windows = KeyedState<number, Numbers, Float64Array>;

function add(state: Windows, key: number): void {
  const slot = state.claim(key);
  const values = state.change(slot);
  const at = state.offset(slot);
  values[at]! += 1;
  values[at + 1]! += key;
}

function millisecondsOf(act: () => void): number {
  const start = performance.now();
  act();
  return performance.now() - start;
}

/** Writes to nowhere: how long each slice took and how large it was. Every slice is followed by changes. */
function writeWhileChanging(state: Windows, captured: CapturedState<Numbers, Float64Array>) {
  const slices = captured.slices('file', context());
  const times: number[] = [];
  const sizes: number[] = [];
  for (let key = 0, isDone = false; !isDone; key = (key + 7_919_000) % KEYS) {
    let slice: Uint8Array | undefined;
    times.push(millisecondsOf(() => (slice = slices.next().value ?? undefined)));
    if (slice === undefined) isDone = true;
    else sizes.push(slice.length);
    for (let times = 0; times < 100; times++) add(state, (key + times * 9_973) % KEYS);
  }
  captured.succeeded();
  times.sort((one, other) => one - other);
  return {
    quick: times[times.length >> 2]!,
    largest: Math.max(...sizes),
    bytes: sizes.reduce((sum, size) => sum + size),
  };
}

describe('a state of a million keys', () => {
  it('is captured in no time, and written in small slices at the price of what changed', () => {
    const state: Windows = new KeyedState('windows', columnarCodec(4));
    for (let key = 0; key < KEYS; key++) add(state, key);
    expect(state.size).toBe(KEYS);

    const base = state.capture();
    expect(base.kind).toBe('base');
    const whole = writeWhileChanging(state, base);
    expect(whole.bytes).toBeGreaterThan(KEYS * 32);
    expect(whole.largest).toBeLessThan(MIB);

    for (let key = 0; key < KEYS; key += 100) add(state, key);
    // The best of some, as the machine may be busy with other things.
    const pauses = Array.from({ length: 5 }, () => millisecondsOf(() => state.capture().failed()));
    expect(Math.min(...pauses)).toBeLessThan(5);
    const delta = state.capture();
    expect(delta.kind).toBe('delta');
    const part = writeWhileChanging(state, delta);
    expect(part.bytes).toBeLessThan(whole.bytes / 10);
    expect(part.largest).toBeLessThan(MIB);
    // A quarter of the slices is at least as quick; on a quiet machine nearly all take less than one.
    expect(whole.quick).toBeLessThan(5);
  });
});
