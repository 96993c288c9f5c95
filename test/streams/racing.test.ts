import fc from 'fast-check';
import type { DurableStream, Position, Recorded } from '../../src/index.js';
import { HeldDisk, newMill, type ReadingRow, readingSchema, readingsOf, tick } from '../support/stream-mills.js';

type Step =
  | { do: 'append'; to: 0 | 1; how: 'one' | 'many' | 'columns' | 'iterable'; count: number }
  | { do: 'read'; of: 0 | 1; from: Position; as: 'observable' | 'iterator'; pause: number }
  | { do: 'work'; operations: number };

const stream = fc.constantFrom(0 as const, 1 as const);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constant('append' as const),
    to: stream,
    how: fc.constantFrom('one' as const, 'many' as const, 'columns' as const, 'iterable' as const),
    count: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 200, max: 1_500 })),
  }),
  fc.record({
    do: fc.constant('read' as const),
    of: stream,
    from: fc.oneof(fc.constantFrom<Position>('earliest', 'latest'), fc.nat(3_000)),
    as: fc.constantFrom('observable' as const, 'iterator' as const),
    pause: fc.constantFrom(0, 0, 3, 40),
  }),
  fc.record({ do: fc.constant('work' as const), operations: fc.nat(12) }),
);

class Reader {
  readonly lsns: number[] = [];
  readonly values: number[] = [];
  private readonly control = new AbortController();

  constructor(
    readonly of: 0 | 1,
    readonly from: Position,
    /** How many events of its stream had been handed over when it began. */
    readonly before: number,
    private readonly pause: number,
  ) {}

  start(source: DurableStream<ReadingRow>, as: 'observable' | 'iterator'): void {
    const records = source.records(this.from, { signal: this.control.signal });
    if (as === 'observable') records.subscribe((record) => this.take(record));
    else this.iterate(records).catch(() => {});
  }

  private async iterate(records: AsyncIterable<Recorded<ReadingRow>>): Promise<void> {
    for await (const record of records) {
      this.take(record);
      if (this.pause > 0 && this.lsns.length % this.pause === 0) await tick();
    }
  }

  private take({ lsn, event }: Recorded<ReadingRow>): void {
    this.lsns.push(lsn);
    this.values.push(event.value);
  }

  stop(): void {
    this.control.abort();
  }
}

/** Appends rows in one of the ways; resolves when they are durable. */
async function append(to: DurableStream<ReadingRow>, how: string, rows: ReadingRow[]): Promise<unknown> {
  if (how === 'one') return Promise.all(rows.map((row) => to.append(row)));
  if (how === 'many') return to.appendMany(rows);
  if (how === 'iterable') return to.appendMany(rows.values());
  return to.appendColumns({
    ts: rows.map(({ ts }) => ts),
    device: rows.map(({ device }) => device),
    value: Float64Array.from(rows, ({ value }) => value),
  });
}

/** Lets the disk work until every reader has the last event of its stream, and some more, in case there is too much. */
async function arrived(disk: HeldDisk, readers: readonly Reader[], truth: readonly number[][]): Promise<void> {
  const isThrough = ({ of, lsns }: Reader): boolean => lsns.at(-1) === truth[of]!.at(-1);
  // Who reads from the end, or past it, gets nothing.
  for (let left = 3_000; left > 50; left--) {
    await disk.step();
    if (readers.every(isThrough)) left = Math.min(left, 100);
  }
}

describe('readers that race writers', () => {
  it('get every event once and in order, whatever the moment, the pace and the VGroups', async () => {
    const plan = fc.record({
      vgroups: fc.constantFrom(1, 4),
      commitEventsMax: fc.constantFrom(40, 1_000),
      steps: fc.array(step, { minLength: 4, maxLength: 16 }),
    });
    await fc.assert(
      fc.asyncProperty(plan, async ({ vgroups, commitEventsMax, steps }) => {
        const disk = new HeldDisk();
        const mill = newMill({ storage: disk.storage, vgroups, commitEventsMax });
        const streams = ['a', 'b'].map((name) => mill.stream(name, { schema: readingSchema }));
        await disk.until(mill.start());
        const readers: Reader[] = [];
        const appended: Promise<unknown>[] = [];
        const counts = [0, 0];
        for (const step of steps) {
          if (step.do === 'work') for (let n = 0; n < step.operations; n++) await disk.step();
          if (step.do === 'read') {
            const reader = new Reader(step.of, step.from, counts[step.of]!, step.pause);
            reader.start(streams[step.of]!, step.as);
            readers.push(reader);
          }
          if (step.do === 'append') {
            appended.push(append(streams[step.to]!, step.how, readingsOf(step.count, counts[step.to])));
            counts[step.to]! += step.count;
          }
        }
        await disk.until(Promise.all(appended));
        const truth: number[][] = [];
        for (const [at, source] of streams.entries()) {
          const reader = new Reader(at as 0 | 1, 'earliest', 0, 0);
          reader.start(source, 'observable');
          // A long reading lets others have their turn.
          while (reader.lsns.length < counts[at]!) await disk.rest();
          await disk.rest();
          truth[at] = reader.lsns;
          expect(reader.values.toSorted((a, b) => a - b)).toEqual(Array.from({ length: counts[at]! }, (_, n) => n));
          reader.stop();
        }
        await arrived(disk, readers, truth);
        for (const reader of readers) check(reader, truth[reader.of]!);
        for (const reader of readers) reader.stop();
        await disk.until(mill.close());
      }),
      { numRuns: 25 },
    );
  });
});

/** What a reader saw is exactly what there is from its position on. */
function check({ lsns, from, before }: Reader, truth: readonly number[]): void {
  if (from !== 'latest') {
    const first = from === 'earliest' ? 0 : from;
    expect(lsns).toEqual(truth.filter((lsn) => lsn >= Number(first)));
    return;
  }
  // What was appended after it began, and whatever of the earlier ones was not yet committed then.
  const start = lsns.length === 0 ? truth.length : truth.indexOf(lsns[0]!);
  expect(lsns).toEqual(truth.slice(start));
  expect(start).toBeLessThanOrEqual(before);
}
