import type { ColumnBatch } from '../../src/index.js';
import { type ReadingRow, startedMill } from '../support/stream-mills.js';

const EVENTS = 300_000;
const eventAt = (n: number): ReadingRow => ({ ts: n, device: `d${n % 37}`, value: n / 8 });

/** Several blocks, whose rows stand in another order than they were written. */
async function severalBlocks() {
  const started = await startedMill();
  for (let at = 0; at < EVENTS; at += 100_000)
    await started.readings.appendMany(Array.from({ length: 100_000 }, (_, n) => eventAt(at + n)));
  await started.mill.checkpoint();
  return started;
}

function isEvent({ ts, device, value }: ReadingRow, n: number): boolean {
  const event = eventAt(n);
  return ts === event.ts && device === event.device && value === event.value;
}

describe('memory that is used for one block after the other', () => {
  it('leaves the rows of every block as they were written, however many read at the same time', async () => {
    const { mill, readings } = await severalBlocks();
    let [forward, back, some] = [0, EVENTS, 1_000];
    await Promise.all([
      readings.history().forEach((row) => {
        if (isEvent(row, forward)) forward++;
      }),
      readings.history({ order: 'desc' }).forEach((row) => {
        if (isEvent(row, back - 1)) back--;
      }),
      readings.history({ columns: ['value'], from: some }).forEach(({ value }) => {
        if (value === some / 8) some++;
      }),
    ]);
    expect({ forward, back, some }).toEqual({ forward: EVENTS, back: 0, some: EVENTS });
    await mill.close();
  });

  it('is not used again for batches, unless that is asked for', async () => {
    const { mill, readings } = await severalBlocks();
    const kept: ColumnBatch<Pick<ReadingRow, 'ts' | 'value'>>['columns'][] = [];
    await readings.batches({ columns: ['ts', 'value'] }).forEach(({ columns }) => void kept.push(columns));
    expect(kept.length).toBeGreaterThan(4);
    expect(kept.every(({ ts, value }) => [...ts].every((time, row) => value[row] === time / 8))).toBe(true);
    const times = Float64Array.from(kept.flatMap(({ ts }) => [...ts])).sort();
    expect(times.length).toBe(EVENTS);
    expect(times.every((time, at) => time === at)).toBe(true);

    const buffers = new Set<ArrayBufferLike>();
    let batch = 0;
    await readings.batches({ columns: ['ts', 'value'], reuse: true }).forEach(({ columns: { ts, value } }) => {
      expect(Buffer.compare(Buffer.from(ts.slice().buffer), Buffer.from(kept[batch]!.ts.slice().buffer))).toBe(0);
      expect([...value].every((one, row) => one === kept[batch]!.value[row])).toBe(true);
      buffers.add(value.buffer);
      batch++;
    });
    expect(batch).toBe(kept.length);
    expect(buffers.size).toBeLessThan(batch);
    await mill.close();
  });
});
