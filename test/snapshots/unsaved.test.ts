import fc from 'fast-check';
import { UnsavedEvents, type UnsavedMark } from '../../src/snapshots/unsaved.js';
import { Batch } from '../../src/wal/batch.js';
import type { Commit } from '../../src/wal/commit.js';
import type { StreamLayout } from '../../src/wal/event-entry.js';
import { encodeRows } from '../support/log-codec.js';

const layoutOf = (id: number): StreamLayout => ({
  id,
  version: 1,
  columns: [
    { name: 'ts', type: 'timestamp', role: 'time', optional: false },
    { name: 'text', type: 'string', role: 'value', optional: false },
  ],
});

/** A commit with an entry for each list of texts: the stream, and its rows. */
function commitOf(
  number: number,
  firstLsn: number,
  parts: readonly { stream: number; texts: readonly string[] }[],
): Commit {
  const entries = parts.map(({ stream, texts }) => ({
    bytes: encodeRows(
      layoutOf(stream),
      texts.map((text) => [firstLsn, text]),
    ),
  }));
  const events = parts.reduce((sum, { texts }) => sum + texts.length, 0);
  return { number, time: 0, firstLsn, events, entries, records: [] } as unknown as Commit;
}

/** The texts of the entries of a stream that are held, from one on. */
function textsOf(unsaved: UnsavedEvents, stream: number, from?: number): string[] {
  const held = unsaved.stream(stream);
  if (held === null) return [];
  const texts: string[] = [];
  for (let entry = from ?? held.first; entry < held.added; entry++) {
    const batch = new Batch(layoutOf(stream), held.entry(entry), 1);
    for (let row = 0; row < batch.rows; row++) texts.push((batch.columns[1] as { get(row: number): string }).get(row));
  }
  return texts;
}

type Step = { do: 'commit'; parts: { stream: number; texts: string[] }[] } | { do: 'mark' | 'release' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('commit' as const),
      parts: fc.array(
        fc.record({
          stream: fc.constantFrom(1, 2, 3),
          texts: fc.array(fc.oneof(fc.string(), fc.constant('x'.repeat(30_000))), { minLength: 1, maxLength: 4 }),
        }),
        { maxLength: 4 },
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('mark' as const, 'release' as const) }) },
);

describe('UnsavedEvents', () => {
  it('hold every event from when it is added until a mark behind it is released, in order', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const unsaved = new UnsavedEvents();
        let held: { stream: number; text: string; bytes: number; lsn: number }[] = [];
        const marks: { mark: UnsavedMark; held: number }[] = [];
        let lsn = 1;
        for (const [at, step] of steps.entries()) {
          if (step.do === 'commit') {
            const commit = commitOf(at, lsn, step.parts);
            unsaved.add(commit);
            for (const [part, { stream, texts }] of step.parts.entries())
              texts.forEach((text, row) => {
                held.push({ stream, text, bytes: row === 0 ? commit.entries[part]!.bytes.length : 0, lsn });
              });
            lsn += commit.events;
          }
          if (step.do === 'mark' && marks.length === 0) marks.push({ mark: unsaved.mark(), held: held.length });
          if (step.do === 'release' && marks.length > 0) {
            const { mark, held: count } = marks.pop()!;
            unsaved.release(mark);
            held = held.slice(count);
          }
          expect(unsaved.bytes).toBe(held.reduce((sum, { bytes }) => sum + bytes, 0));
          for (const stream of [1, 2, 3]) {
            const wanted = held.filter((one) => one.stream === stream);
            expect(textsOf(unsaved, stream)).toEqual(wanted.map(({ text }) => text));
            expect(unsaved.stream(stream)?.rows ?? 0).toBe(wanted.length);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it('find the first entry whose commit has an lsn or a higher one', () => {
    const unsaved = new UnsavedEvents();
    for (let commit = 0; commit < 20; commit++)
      unsaved.add(commitOf(commit, commit * 10, [{ stream: 1 + (commit % 2), texts: Array(10).fill('t') }]));
    const stream = unsaved.stream(1)!;
    for (let lsn = 0; lsn < 220; lsn++) {
      const entry = stream.entryFrom(lsn);
      if (entry > stream.first) expect(stream.lastLsn(entry - 1)).toBeLessThan(lsn);
      if (entry < stream.added) expect(stream.lastLsn(entry)).toBeGreaterThanOrEqual(lsn);
    }
    expect(stream.entryFrom(Infinity)).toBe(stream.added);
  });

  it('keep a copy: the caller may use his bytes again', () => {
    const unsaved = new UnsavedEvents();
    const commit = commitOf(1, 1, [{ stream: 1, texts: ['a', 'b'] }]);
    unsaved.add(commit);
    commit.entries[0]!.bytes.fill(0);
    expect(textsOf(unsaved, 1)).toEqual(['a', 'b']);
  });

  it('leave what a reader has taken readable after a release, although memory is used again', () => {
    const unsaved = new UnsavedEvents();
    const textOf = (n: number) => `${n} `.repeat(200_000);
    const taken: { bytes: Uint8Array; text: string }[] = [];
    for (let round = 0; round < 6; round++) {
      for (let n = 0; n < 30; n++)
        unsaved.add(commitOf(1, 1 + round * 30 + n, [{ stream: 1, texts: [textOf(round * 30 + n)] }]));
      const stream = unsaved.stream(1)!;
      // Some rounds nobody looks, so that their memory may be used again.
      if (round % 2 === 1) taken.push({ bytes: stream.entry(stream.first + 7), text: textOf(round * 30 + 7) });
      unsaved.release(unsaved.mark());
    }
    for (const { bytes, text } of taken) {
      const batch = new Batch(layoutOf(1), bytes, 1);
      expect((batch.columns[1] as { get(row: number): string }).get(0)).toBe(text);
    }
    expect(unsaved.bytes).toBe(0);
  });

  it('give nothing of a stream that never had any', () => {
    expect(new UnsavedEvents().stream(7)).toBeNull();
  });
});
