import fc from 'fast-check';
import { map, type Observable, of, Subject } from 'rxjs';
import { type LookupTable, lookupJoin, scan, startWith } from '../../../src/index.js';
import { prepareSaving, SavedOperators } from '../../support/saved-operators.js';
import { isEvent, Run, stepsOf } from '../stateful/runs.js';

beforeAll(prepareSaving);

interface Limit {
  readonly device: string;
  readonly limit: number;
}

const tableOf = (rows: Observable<Limit>): LookupTable<Limit> => ({
  name: 'limits',
  rows,
  keyOf: ({ device }) => device,
});

function run(
  build: (events: Observable<{ device: string }>, limits: LookupTable<Limit>) => Observable<unknown>,
): unknown[] {
  const [events, limits] = [new Subject<{ device: string }>(), new Subject<Limit>()];
  const rows: unknown[] = [];
  build(events, tableOf(limits)).subscribe({
    next: (row) => rows.push(row),
    error: (error) => rows.push(String(error)),
    complete: () => rows.push('|'),
  });
  events.next({ device: 'a' });
  limits.next({ device: 'a', limit: 1 });
  events.next({ device: 'a' });
  events.next({ device: 'b' });
  limits.next({ device: 'a', limit: 2 });
  limits.complete();
  events.next({ device: 'a' });
  events.complete();
  return rows;
}

describe('lookupJoin', () => {
  it('gives each event with the row of its key', () => {
    const rows = run((events, limits) => events.pipe(lookupJoin(limits, { by: 'device' })));
    expect(rows).toEqual([
      [{ device: 'a' }, undefined],
      [{ device: 'a' }, { device: 'a', limit: 1 }],
      [{ device: 'b' }, undefined],
      [{ device: 'a' }, { device: 'a', limit: 2 }],
      '|',
    ]);
  });

  it('leaves out events without a row, where it is an inner join', () => {
    const select = ({ device }: { device: string }, { limit }: Limit): string => `${device}${limit}`;
    expect(run((events, limits) => events.pipe(lookupJoin(limits, { by: 'device', join: 'inner', select })))).toEqual([
      'a1',
      'a2',
      '|',
    ]);
  });

  it('takes a function for the key, which may say that there is none', () => {
    const key = ({ device }: { device: string }): string | null => (device === 'a' ? null : 'a');
    const select = (_: unknown, row: Limit | undefined): number => row?.limit ?? 0;
    expect(run((events, limits) => events.pipe(lookupJoin(limits, { key, select })))).toEqual([0, 0, 1, 0, '|']);
  });

  it('takes several columns', () => {
    const table = {
      name: 'parts',
      rows: of({ device: 'a', part: 1, limit: 5 }),
      keyOf: ({ device, part }: { device: string; part: number }) => [device, part],
    };
    const rows: unknown[] = [];
    of({ id: 'a', no: 1 }, { id: 'a', no: 2 })
      .pipe(lookupJoin(table, { by: ['id', 'no'], select: ({ no }, row) => [no, row?.limit] }))
      .subscribe((row) => rows.push(row));
    expect(rows).toEqual([
      [1, 5],
      [2, undefined],
    ]);
  });

  it('asks a table that knows its rows by itself', () => {
    const rows: unknown[] = [];
    const table = {
      ...tableOf(new Subject()),
      get: (key: unknown) => (key === 'a' ? { device: 'a', limit: 9 } : undefined),
    };
    of({ device: 'a' }, { device: 'b' })
      .pipe(lookupJoin(table, { by: 'device', join: 'inner', select: (_, { limit }) => limit }))
      .subscribe((row) => rows.push(row));
    expect(rows).toEqual([9]);
  });

  it('ends with an error where the table does', () => {
    const rows = run((events, limits) => {
      const failing = map((limit: Limit) => {
        if (limit.limit === 2) throw new Error('no 2');
        return limit;
      });
      return events.pipe(lookupJoin({ ...limits, rows: limits.rows.pipe(failing) }, { by: 'device', join: 'inner' }));
    });
    expect(rows).toEqual([[{ device: 'a' }, { device: 'a', limit: 1 }], 'Error: no 2']);
  });
});

describe('lookupJoin in a mill', () => {
  const event = fc.record({ device: fc.constantFrom('a', 'b', 'c'), limit: fc.nat({ max: 9 }) });
  const pipeline = (events: Observable<Limit>, limits: Observable<Limit>): Observable<unknown> => {
    const sums = limits.pipe(
      scan((before: Limit, { device, limit }) => ({ device, limit: before.limit + limit }), { device: '', limit: 0 }),
    );
    return events.pipe(lookupJoin(tableOf(sums), { by: 'device' }));
  };

  it('goes on after each restart as if nothing had happened, with the state of the table’s own pipeline', () => {
    fc.assert(
      fc.property(stepsOf(event, fc.constantFrom(0, 1)), (all) => {
        const begin = (): Run<Limit> => new Run((a, b) => pipeline(a!, b!));
        const events = all.filter(isEvent);
        const made = begin().take(all);
        const known = new Map<string, Limit>();
        let sum = 0;
        const rows = events.flatMap(([input, row]) => {
          if (input === 0) return [[row, known.get(row.device)]];
          known.set(row.device, { device: row.device, limit: (sum += row.limit) });
          return [];
        });
        expect(made.seen).toEqual({ rows, error: null, isComplete: false });
        expect(made.kept).toEqual(begin().take(events).kept);
      }),
      { numRuns: 100 },
    );
  });

  it('keeps one row for each key, and knows those that are there from the beginning', () => {
    const [events, limits] = [new Subject<Limit>(), new Subject<Limit>()];
    const first = { device: 'first', limit: 7 };
    const saved = new SavedOperators(() =>
      events.pipe(lookupJoin(tableOf(limits.pipe(startWith(first))), { by: 'device' })),
    );
    saved.turn(() => {
      for (let limit = 0; limit < 1000; limit++) limits.next({ device: `device-${limit % 10}`, limit });
    });
    expect(saved.states.get('0-lookupJoin/rows')!.size).toBe(11);
    saved.save();
    saved.restart();
    saved.turn(() => events.next({ device: 'first', limit: 0 }));
    expect(saved.seen.rows).toEqual([[{ device: 'first', limit: 0 }, first]]);
  });

  it('refuses rows that come before its state is there', () => {
    const saved = new SavedOperators(() =>
      new Subject<Limit>().pipe(lookupJoin(tableOf(of({ device: 'a', limit: 1 })), { by: 'device' })),
    );
    expect(String(saved.seen.error)).toContain('lookupJoin was given an event before its state was loaded.');
  });
});
