import { merge, NEVER, type Observable, of, Subject } from 'rxjs';
import { asOfJoin, intervalJoin, lookupJoin, MillraceError } from '../../../src/index.js';
import { prepareSaving, SavedOperators } from '../../support/saved-operators.js';

beforeAll(prepareSaving);

type Operator = (options: object) => unknown;

const asOf: Operator = (options) => asOfJoin(NEVER, options as never);
const interval: Operator = (options) => intervalJoin(NEVER, options as never);
const lookup: Operator = (options) => lookupJoin({ name: 'limits', rows: NEVER, keyOf: () => 1 }, options as never);

describe('options that do not fit are refused', () => {
  it.each<[Operator, unknown, string]>([
    [asOf, undefined, "asOfJoin takes options such as { by: 'symbol', tolerance: '10s' }, not undefined."],
    [asOf, { by: 5 }, 'Option by must name a column, not 5.'],
    [asOf, { by: 'id', rightBy: '' }, 'Option rightBy must name a column, not "".'],
    [
      asOf,
      { by: ['a', 'b'], rightBy: 'a' },
      'Options by and rightBy of asOfJoin must name as many columns as each other: ["a","b"] and ["a"]',
    ],
    [asOf, { rightBy: 'a' }, 'must name as many columns as each other: [] and ["a"]'],
    [asOf, { by: ['a', 'b'], rightBy: ['a', 'a'] }, 'Option rightBy names the column "a" twice.'],
    [asOf, { time: 5 }, 'Option time must name a column, not 5.'],
    [asOf, { rightTime: null }, 'Option rightTime must name a column, not null.'],
    [asOf, { tolerance: -1 }, 'Option tolerance must be a duration'],
    [asOf, { lateness: 'soon' }, 'Option lateness must be a duration'],
    [asOf, { maxLag: Infinity }, 'Option maxLag must be a duration'],
    [asOf, { join: 'outer' }, "Option join of asOfJoin must be 'left' or 'inner', not \"outer\"."],
    [asOf, { select: 'all' }, 'Option select of asOfJoin must be a function, not "all".'],
    [interval, { by: 'id' }, 'Option before or after of intervalJoin must say how far apart two events may be'],
    [interval, { before: 'x' }, 'Option before must be a duration'],
    [
      interval,
      { before: 5, after: -6 },
      'Options before and after of intervalJoin leave no time between them: 5 ms and -6 ms.',
    ],
    [interval, { before: 5, select: 5 }, 'Option select of intervalJoin must be a function, not 5.'],
    [lookup, null, "lookupJoin takes options such as { by: 'device' }, not null."],
    [lookup, {}, 'lookupJoin takes either option by, the columns with the key, or option key, a function.'],
    [lookup, { by: 'a', key: () => 1 }, 'lookupJoin takes either option by'],
    [lookup, { by: [] }, 'Option by of lookupJoin must name the columns'],
    [lookup, { key: 'a' }, 'Option key of lookupJoin must be a function, not "a".'],
    [lookup, { by: 'a', join: 'right' }, "Option join of lookupJoin must be 'left' or 'inner'"],
    [
      () => lookupJoin({ name: 'x' } as never, { by: 'a' } as never),
      {},
      'lookupJoin takes a table, or { name, rows, keyOf }, not {"name":"x"}.',
    ],
  ])('%#', (operator, options, message) => {
    const make = (): unknown => operator(options as object);
    expect(make).toThrow(MillraceError);
    expect(make).toThrow(message);
  });
});

interface Row {
  readonly ts: number;
  readonly id: string;
}

function errorOf(rows: Observable<unknown>): unknown {
  let error: unknown = null;
  rows.subscribe({ error: (thrown) => (error = thrown) });
  return error;
}

describe('a stream ends with an error', () => {
  const fine: Row = { ts: 1, id: 'a' };
  const both = { by: 'id', time: 'ts', before: 1 } as const;

  it.each<[string, Observable<unknown>, string]>([
    ['without a time', of(fine).pipe(asOfJoin(of(fine), { by: 'id' })), 'Option time of asOfJoin must name'],
    [
      'without that of the right side',
      of(fine).pipe(intervalJoin(NEVER as Observable<Row>, { before: 1 })),
      'Option time of intervalJoin must name',
    ],
    [
      'at a left event without a key',
      of({ ts: 1 } as Row).pipe(asOfJoin(of(fine), both)),
      'An event has no column "id", which asOfJoin takes as its key. It has: ts.',
    ],
    [
      'at a right event without a key',
      of(fine).pipe(asOfJoin(of({ ...fine, id: null } as never as Row), both)),
      'column "id", must be a string, number, bigint or boolean, not null.',
    ],
    [
      'at a left event without a time',
      of({ ...fine, ts: Number.NaN }).pipe(intervalJoin(of(fine), both)),
      'must be a finite number of milliseconds',
    ],
    [
      'at a right event without a time',
      of(fine).pipe(intervalJoin(of({ id: 'a' } as Row), both)),
      'An event has no column "ts", which intervalJoin takes as its time.',
    ],
    [
      'at an event without a key to look up',
      of({} as Row).pipe(lookupJoin({ name: 't', rows: of(fine), keyOf: ({ id }) => id }, { by: 'id' })),
      'An event has no column "id", which lookupJoin takes as its key.',
    ],
    [
      'where select throws',
      of(fine).pipe(
        asOfJoin(of(fine), {
          ...both,
          select: () => {
            throw new Error('no row');
          },
        }),
      ),
      'no row',
    ],
    [
      'where the right side has one',
      merge(of(fine), NEVER).pipe(
        intervalJoin(
          new Subject<Row>().pipe(() => {
            const s = new Subject<Row>();
            s.error(new Error('no right'));
            return s;
          }),
          both,
        ),
      ),
      'no right',
    ],
  ])('%s', (_, rows, message) => {
    expect(String(errorOf(rows))).toContain(message);
  });
});

describe('in a mill', () => {
  const source = new Subject<Row>();

  it.each<[string, () => Observable<unknown>]>([
    ['asOfJoin', () => source.pipe(asOfJoin(of({ ts: 1, id: 'a' }), { by: 'id' }))],
    ['intervalJoin', () => source.pipe(intervalJoin(of({ ts: 1, id: 'a' }), { by: 'id', before: 1 }))],
  ])('what the right side of %s gives when it is subscribed to is refused', (operator, build) => {
    const saved = new SavedOperators(build, 'ts');
    expect(saved.seen.error).toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(String(saved.seen.error)).toContain(`${operator} was given an event before its state was loaded.`);
  });

  it.each<[string, (rows: Observable<Row>) => Observable<unknown>]>([
    [
      'asOfJoin {"by":["id"],"join":"left","lateness":0,"maxLag":60000,"rightBy":["id"],"rightTime":null,"time":null,"tolerance":null}',
      (rows) => rows.pipe(asOfJoin(rows, { by: 'id' })),
    ],
    [
      'intervalJoin {"after":0,"before":5,"by":[],"lateness":1000,"maxLag":0,"rightBy":[],"rightTime":null,"time":"ts"}',
      (rows) => rows.pipe(intervalJoin(rows, { before: 5, maxLag: 0, lateness: '1s', time: 'ts' })),
    ],
    [
      'lookupJoin {"by":["id"],"join":"inner","table":"ids"}',
      (rows) => rows.pipe(lookupJoin({ name: 'ids', rows, keyOf: ({ id }) => id }, { by: 'id', join: 'inner' })),
    ],
    [
      'lookupJoin {"by":null,"join":"left","table":"ids"}',
      (rows) => rows.pipe(lookupJoin({ name: 'ids', rows, keyOf: ({ id }) => id }, { key: ({ id }) => id })),
    ],
  ])('the shape is %s', (shape, build) => {
    expect(new SavedOperators(() => build(new Subject()), 'ts').shape).toBe(shape);
  });
});
