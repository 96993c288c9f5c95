import fc from 'fast-check';
import { from, type Observable, of, Subject } from 'rxjs';
import { type DedupeOptions, dedupe, MillraceError } from '../../src/index.js';
import { prepareSaving, SavedOperators } from '../support/saved-operators.js';
import { isEvent, Run, timedSteps } from './stateful/runs.js';

beforeAll(prepareSaving);

interface Message {
  readonly ts: number;
  readonly id: string;
  readonly part: number;
}

/** `a5`: key a at time 5. */
const messages = (text: string): Message[] =>
  text.split(' ').map((one, part) => ({ ts: Number(one.slice(1)), id: one[0]!, part }));

function passing(text: string, options: Partial<DedupeOptions<Message>> = {}): string {
  const passed: string[] = [];
  from(messages(text))
    .pipe(dedupe({ by: 'id', ttl: 10, time: 'ts', ...options }))
    .subscribe(({ id, ts }) => passed.push(`${id}${ts}`));
  return passed.join(' ');
}

function errorOf(rows: Observable<unknown>): unknown {
  let error: unknown = null;
  rows.subscribe({ error: (thrown) => (error = thrown) });
  return error;
}

describe('dedupe', () => {
  it.each([
    ['lets the first event of each key pass', 'a1 b1 a2 c2 b3', 'a1 b1 c2'],
    ['lets one pass again that is later by ttl', 'a1 a10 a11', 'a1 a11'],
    ['begins anew with that one', 'a1 a11 a20 a21', 'a1 a11 a21'],
    ['is not kept closed by repeats', 'a0 a4 a8 a12', 'a0 a12'],
    ['takes events out of order for repeats', 'a10 a3 a0', 'a10'],
    ['compares the times of the events of one key', 'b8 a0 a9 a10', 'b8 a0 a10'],
    ['keeps a key until all times are ttl past what they were', 'b8 a0 b17 a9', 'b8 a0'],
    ['forgets a key then', 'b8 a0 b18 a9', 'b8 a0 b18 a9'],
    ['takes times before 1970', 'a-20 a-15 a-10', 'a-20 a-10'],
  ])('%s', (_, given, expected) => {
    expect(passing(given)).toBe(expected);
  });

  it('takes several columns as the key', () => {
    expect(passing('a1 a2 b1', { by: ['id', 'part'] })).toBe('a1 a2 b1');
    expect(passing('a1 a2 b1', { by: ['id', 'ts'] })).toBe('a1 a2 b1');
    expect(passing('a1 a1 b1', { by: ['id', 'ts'] })).toBe('a1 b1');
  });

  it('does in a mill, over restarts, what its description says, and keeps no more than it says', () => {
    const events = fc.record({ id: fc.constantFrom('a', 'b', 'c', 'd', 'e') });
    fc.assert(
      fc.property(timedSteps(events), (all) => {
        const begin = (): Run<{ ts: number; id: string }> =>
          new Run((source) => source!.pipe(dedupe({ by: 'id', ttl: '7ms' })), 'ts');
        const run = begin().take(all);
        const taken = all.filter(isEvent).map(([, event]) => event);
        const { rows, kept } = modelOf(taken, 7);
        expect(run.seen).toEqual({ rows, error: null, isComplete: false });
        expect(run.kept).toEqual(begin().take(all.filter(isEvent)).kept);
        const [[, ...passed]] = run.kept as [[string, ...[string, unknown][]]];
        expect(passed.map(([id]) => id).toSorted()).toEqual(kept.toSorted());
      }),
      { numRuns: 100 },
    );
  });

  it('keeps only the keys of the last ttl', () => {
    const source = new Subject<Message>();
    const saved = new SavedOperators(() => source.pipe(dedupe({ by: 'id', ttl: 100 })), 'ts');
    saved.turn(() => {
      for (let ts = 0; ts < 50_000; ts++) source.next({ ts, id: `message-${ts}`, part: 0 });
    });
    expect(saved.seen.rows).toHaveLength(50_000);
    expect(saved.states.get('0-dedupe/passed')!.size).toBe(100);
  });

  it('needs options that fit', () => {
    const refused = (options: unknown, message: string): void => {
      const make = (): unknown => dedupe<Message>(options as DedupeOptions<Message>);
      expect(make).toThrow(MillraceError);
      expect(make).toThrow(message);
    };
    refused(undefined, "dedupe takes options such as { by: 'id', ttl: '10m' }, not undefined.");
    refused({ ttl: 1 }, 'Option by of dedupe must name the columns that are equal in repeats.');
    refused({ by: [], ttl: 1 }, 'Option by of dedupe must name the columns that are equal in repeats.');
    refused({ by: '', ttl: 1 }, 'Option by must name a column, not "".');
    refused({ by: ['id', 'id'], ttl: 1 }, 'Option by names the column "id" twice.');
    refused({ by: '__proto__', ttl: 1 }, 'cannot have this name');
    refused({ by: 'id' }, 'Option ttl must be a duration');
    refused({ by: 'id', ttl: 0 }, 'Option ttl must be a duration');
    refused({ by: 'id', ttl: 1, time: 5 }, 'Option time must name a column, not 5.');
  });

  it('needs to know where the time is', () => {
    const error = errorOf(from(messages('a1')).pipe(dedupe({ by: 'id', ttl: 1 })));
    expect(error).toMatchObject({ code: 'INVALID_OPTION' });
    expect(String(error)).toContain('Option time of dedupe must name the column with the event time');
  });

  it.each([
    [{ ts: 1 }, 'An event has no column "id", which dedupe takes as its key. It has: ts.'],
    [{ id: 'a' }, 'An event has no column "ts", which dedupe takes as its time. It has: id.'],
    [{ ts: '1', id: 'a' }, 'The time of an event, column "ts", must be a finite number of milliseconds'],
    [{ ts: Number.NaN, id: 'a' }, 'not NaN. Filter or map such events before dedupe.'],
    [{ ts: 1, id: null }, 'The key of an event, column "id", must be a string, number, bigint or boolean, not null.'],
    [{ ts: 1, id: {} }, 'not an object.'],
    [null, 'column "ts", must be a finite number of milliseconds since 1970-01-01'],
  ])('cannot take %j', (event, message) => {
    const error = errorOf(of(event as unknown as Message).pipe(dedupe({ by: 'id', ttl: 1, time: 'ts' })));
    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(String(error)).toContain(message);
  });
});

interface Kept {
  readonly time: number;
  readonly seen: number;
}

/** What passes, and which keys are kept at the end, by looking through all keys at each event. */
function modelOf(events: readonly { ts: number; id: string }[], ttl: number): { rows: unknown[]; kept: string[] } {
  const passed = new Map<string, Kept>();
  const rows: unknown[] = [];
  let latest = -Infinity;
  for (const event of events) {
    latest = Math.max(latest, event.ts);
    for (const [id, { seen }] of passed) if (seen + ttl <= latest) passed.delete(id);
    const before = passed.get(event.id);
    if (before !== undefined && event.ts < before.time + ttl) continue;
    passed.set(event.id, { time: event.ts, seen: latest });
    rows.push(event);
  }
  return { rows, kept: [...passed.keys()] };
}
