import fc from 'fast-check';
import { Queue } from '../../src/wal/queue.js';

describe('Queue', () => {
  it('gives what was put in, first in, first out, as an array does', () => {
    const actions = fc.array(fc.oneof(fc.nat(), fc.constant('shift' as const), fc.constant('clear' as const)));
    fc.assert(
      fc.property(actions, (actions) => {
        const queue = new Queue<number>();
        const model: number[] = [];
        for (const action of actions) {
          if (action === 'clear') {
            queue.clear();
            model.length = 0;
          } else if (action !== 'shift') {
            queue.push(action);
            model.push(action);
          } else if (model.length > 0) {
            expect(queue.shift()).toBe(model.shift());
          }
          expect(queue.size).toBe(model.length);
        }
      }),
    );
  });

  it('takes a hundred thousand items, in and out, in its stride', () => {
    const queue = new Queue<number>();
    for (let item = 0; item < 100_000; item++) queue.push(item);
    let wrong = 0;
    for (let item = 0; item < 50_000; item++) {
      if (queue.shift() !== item) wrong++;
      queue.push(100_000 + item);
    }
    expect(wrong).toBe(0);
    expect(queue.size).toBe(100_000);
    expect(queue.shift()).toBe(50_000);
  });

  it('holds on to nothing that was taken out', () => {
    const queue = new Queue<object>();
    for (let item = 0; item < 3_000; item++) queue.push({ item });
    for (let item = 0; item < 2_000; item++) queue.shift();
    const held = (queue as unknown as { items: readonly unknown[] }).items.filter((item) => item !== undefined);
    expect(held).toHaveLength(1_000);
  });
});
