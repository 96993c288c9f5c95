import { bytes, Millrace, string, timestamp } from '../../src/index.js';
import { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import { FramePool } from '../../src/wal/frame-pool.js';

describe('FramePool', () => {
  it('gives large memory out again once it was given back, and never before', () => {
    const pool = new FramePool();
    const first = pool.take(300_000);
    const second = pool.take(300_000);
    expect(second.buffer).not.toBe(first.buffer);
    pool.giveBack(first);
    const third = pool.take(400_000);
    expect(third.buffer).toBe(first.buffer);
    expect(third).toHaveLength(400_000);
    expect(pool.take(400_000).buffer).not.toBe(first.buffer);
  });

  it('neither keeps small memory nor gives out what is far too large', () => {
    const pool = new FramePool();
    const small = pool.take(100);
    pool.giveBack(small);
    expect(pool.take(100).buffer).not.toBe(small.buffer);
    const large = pool.take(8_000_000);
    pool.giveBack(large);
    expect(pool.take(300_000).buffer).not.toBe(large.buffer);
  });
});

it('rows of a large commit stay what they are when its memory is used again', async () => {
  const mill = new Millrace('/mill', { storage: new SimulatedStorage() });
  const files = mill.stream('files', { schema: { ts: timestamp(), name: string(), content: bytes() } });
  await mill.start();
  const seen: { name: string; content: Uint8Array }[] = [];
  files.subscribe((row) => seen.push(row));
  const iterated = files.from('latest')[Symbol.asyncIterator]();
  const first = iterated.next();
  for (const fill of [1, 2, 3, 4, 5]) {
    await files.append({ ts: fill, name: `file ${fill}`, content: new Uint8Array(600_000).fill(fill) });
  }
  expect(seen.map(({ name, content }) => [name, content.every((byte) => byte === content[0]), content[0]])).toEqual(
    [1, 2, 3, 4, 5].map((fill) => [`file ${fill}`, true, fill]),
  );
  expect((await first).value.content.every((byte: number) => byte === 1)).toBe(true);
  await mill.close();
});
