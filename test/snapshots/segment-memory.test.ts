import { buildBlocks } from '../../src/snapshots/segment-builder.js';
import { BlockMemory } from '../../src/snapshots/segments/block-memory.js';
import { packEntries } from '../../src/snapshots/segments/packed-entries.js';
import type { StreamLayout } from '../../src/wal/event-entry.js';
import { column, entriesOf, hash } from './segment-support.js';

const LAYOUT: StreamLayout = {
  id: 1,
  version: 1,
  columns: [
    column('ts', 'timestamp', 'time'),
    column('name', 'string', 'key'),
    column('flag', 'bool', 'value', true),
    column('text', 'string', 'value', true),
    column('value', 'float64', 'value', true),
  ],
};
const ROWS = Array.from({ length: 9_000 }, (_, at) => ({
  ts: at,
  name: `n${at % 7}`,
  flag: at % 3 === 0 ? undefined : at % 2 === 0,
  text: at % 5 === 0 ? undefined : `text ${at}`,
  value: at % 11 === 0 ? undefined : at / 3,
}));

describe('blocks in memory that others had before', () => {
  it('have the same bytes as in fresh memory, also between their parts', () => {
    const job = () => ({
      name: 'buildBlocks',
      parameters: { layout: LAYOUT, blockRows: 4_000 },
      input: packEntries(entriesOf(LAYOUT, ROWS, { firstLsn: 0 })),
    });
    const fresh = buildBlocks(job(), hash);
    const memory = new BlockMemory();
    const dirty = Array.from({ length: 3 }, () => new Uint8Array(400_000).fill(0xff).buffer);
    memory.put([...dirty]);
    const used = buildBlocks(job(), hash, memory.loan());
    expect(used.answer).toEqual(fresh.answer);
    expect(used.output.length).toBe(6);
    expect(used.output.map((bytes, at) => Buffer.compare(bytes, fresh.output[at]!))).toEqual([0, 0, 0, 0, 0, 0]);
    expect(used.output.filter(({ buffer }) => dirty.includes(buffer as ArrayBuffer)).length).toBeGreaterThan(1);
  });
});
