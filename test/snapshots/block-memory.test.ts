import { BlockMemory } from '../../src/snapshots/segments/block-memory.js';

const LARGE = 100_000;

describe('memory for blocks', () => {
  it('is used again once it was given back, as much of it as was asked for', () => {
    const memory = new BlockMemory();
    const first = memory.loan();
    const { buffer } = first.take(LARGE);
    first.giveBack();
    const again = memory.loan().take(LARGE + 10);
    expect(again.buffer).toBe(buffer);
    expect(again.length).toBe(LARGE + 10);
  });

  it('is never that of a block that is still used', () => {
    const memory = new BlockMemory();
    const [first, second] = [memory.loan(), memory.loan()];
    const taken = [first.take(LARGE), first.take(LARGE), second.take(LARGE)];
    first.giveBack();
    const third = memory.loan();
    taken.push(third.take(LARGE), third.take(LARGE), third.take(LARGE));
    expect(new Set(taken.slice(2).map(({ buffer }) => buffer)).size).toBe(4);
    // Twice given back is not lent twice.
    first.giveBack();
    expect(taken.slice(2).map(({ buffer }) => buffer)).not.toContain(memory.loan().take(LARGE).buffer);
  });

  it('is fresh where what was given back is too small, and the smallest that will do', () => {
    const memory = new BlockMemory();
    const first = memory.loan();
    const [large, small] = [first.take(5 * LARGE), first.take(LARGE)];
    first.giveBack();
    const second = memory.loan();
    expect(second.take(LARGE).buffer).toBe(small.buffer);
    expect(second.take(9 * LARGE).buffer).not.toBe(large.buffer);
    expect(second.take(5 * LARGE).buffer).toBe(large.buffer);
  });
});
