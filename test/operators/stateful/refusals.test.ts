import { asyncScheduler, EMPTY, map, mergeMap, type Observable, of, startWith as plainStartWith, Subject } from 'rxjs';
import {
  bufferCount,
  combineLatestWith,
  dedupe,
  distinct,
  distinctUntilChanged,
  distinctUntilKeyChanged,
  fold,
  MillraceError,
  pairwise,
  scan,
  skip,
  startWith,
  take,
  takeWhile,
  withLatestFrom,
  zipWith,
} from '../../../src/index.js';
import { openOperator, within } from '../../../src/operators/pipeline-scope.js';
import { described, descriptionOf } from '../../../src/operators/row-description.js';
import { prepareSaving, SavedOperators } from '../../support/saved-operators.js';

beforeAll(prepareSaving);

/** What becomes of a pipeline that takes these events. */
function run<T>(build: (source: Observable<T>) => Observable<unknown>, ...events: T[]): SavedOperators {
  const source = new Subject<T>();
  const saved = new SavedOperators(() => build(source));
  for (const event of events) saved.turn(() => source.next(event));
  return saved;
}

describe('in a mill, objects', () => {
  const rows = [{ id: 1 }, { id: 1 }];

  it.each<[string, (source: Observable<{ id: number }>) => Observable<unknown>]>([
    ['distinct cannot tell whether an object', (source) => source.pipe(distinct())],
    ['distinct({ device })', (source) => source.pipe(distinct(({ id }) => [id]))],
    ['distinctUntilChanged((a, b) => ', (source) => source.pipe(distinctUntilChanged())],
    [
      'distinctUntilKeyChanged("of", (x, y)',
      (source) =>
        source.pipe(
          map((of) => ({ of })),
          distinctUntilKeyChanged('of'),
        ),
    ],
    ['a function', (source) => source.pipe(distinct(() => () => 5))],
  ])('are not compared by identity: %s', (message, build) => {
    const { error } = run(build, ...rows).seen;
    expect(error).toBeInstanceOf(MillraceError);
    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(String(error)).toContain(message.replace('({ device })', '(({ device })'));
  });

  it('are compared by functions', () => {
    const { seen } = run((source) => source.pipe(distinctUntilChanged((a, b) => a.id === b.id)), ...rows);
    expect(seen).toEqual({ rows: [{ id: 1 }], error: null, isComplete: false });
  });
});

describe('in a mill, what an input gives when it is subscribed to', () => {
  it.each<[string, (source: Observable<number>) => Observable<unknown>]>([
    [
      'scan',
      (source) =>
        source.pipe(
          plainStartWith(1),
          scan((sum: number, value: number) => sum + value),
        ),
    ],
    ['take', (source) => source.pipe(plainStartWith(1), take(3))],
    ['zipWith', (source) => source.pipe(zipWith(of(1)))],
    ['combineLatestWith', (source) => source.pipe(plainStartWith(1), combineLatestWith(source))],
    ['scan', (source) => source.pipe(withLatestFrom(of(1).pipe(scan((sum: number, value: number) => sum + value))))],
    [
      'dedupe',
      (source) =>
        source.pipe(
          plainStartWith(1),
          map((id) => ({ id, ts: 1 })),
          dedupe({ by: 'id', ttl: 1, time: 'ts' }),
        ),
    ],
  ])('is refused by %s', (operator, build) => {
    const { error } = run(build, 1, 2).seen;
    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(String(error)).toContain(`${operator} was given an event before its state was loaded.`);
  });

  it('may be its end', () => {
    const ending: ((source: Observable<number>) => Observable<unknown>)[] = [
      (source) => source.pipe(take(0), bufferCount(2)),
      (source) => source.pipe(take(0), startWith(1)),
      (source) => source.pipe(take(0), combineLatestWith(EMPTY)),
      (source) => source.pipe(zipWith(EMPTY)),
      (source) =>
        source.pipe(
          take(-1),
          scan((sum: number, value: number) => sum + value),
        ),
    ];
    for (const build of ending) {
      const saved = run(build, 1, 2);
      expect(saved.seen).toEqual({ rows: [], error: null, isComplete: true });
      expect(saved.outside).toEqual([]);
    }
    const { seen } = run((source: Observable<number>) => source.pipe(combineLatestWith(of('x'))), 1, 2);
    expect(seen).toEqual({
      rows: [
        [1, 'x'],
        [2, 'x'],
      ],
      error: null,
      isComplete: false,
    });
  });
});

describe('in a mill', () => {
  it.each([0, -1, 1.5, Number.NaN])('bufferCount cannot have the size %s', (size) => {
    expect(run((source) => source.pipe(bufferCount(size))).seen.error).toMatchObject({ code: 'INVALID_OPTION' });
    expect(run((source) => source.pipe(bufferCount(2, size))).seen.error).toMatchObject({ code: 'INVALID_OPTION' });
  });

  it('startWith has no scheduler', () => {
    const { error } = run((source) => source.pipe(startWith(1, asyncScheduler))).seen;
    expect(String(error)).toContain('startWith takes no scheduler');
  });

  it('scan refuses a seed that cannot be saved', () => {
    const { error } = run((source) => source.pipe(scan((seen, value) => seen.add(value), new Set()))).seen;
    expect(String(error)).toContain('holds a Set; use arrays and plain objects');
  });

  it('scan does not change the seed that it was given', () => {
    const seed: number[] = [];
    const add = (list: number[], value: number): number[] => {
      list.push(value);
      return list;
    };
    run((source) => source.pipe(scan(add, seed)), 1, 2);
    expect(seed).toEqual([]);
  });

  it('what is no value ends the pipeline, what JSON cannot keep the checkpoint', () => {
    const ended = run((source) => source.pipe(scan(() => () => 5, null as unknown)), 1);
    expect(String(ended.seen.error)).toContain('A function cannot be a value of a state.');
    const saved = run(
      (source) =>
        source.pipe(
          scan(() => ({ work: () => 5 }), null as unknown),
          skip(1),
        ),
      1,
    );
    expect(() => saved.save()).toThrow('State 1-scan/cells cannot be written: the value of key "state"');
  });

  it('an operator that is subscribed to inside a turn is refused', () => {
    const { error } = run((source) => source.pipe(mergeMap((value) => of(value).pipe(take(1)))), 1).seen;
    expect(String(error)).toContain('take is subscribed to inside a turn');
  });

  it('zipWith has a limit', () => {
    const [a, b] = [new Subject<number>(), new Subject<number>()];
    const saved = new SavedOperators(() => a.pipe(zipWith(b)));
    saved.turn(() => {
      for (let at = 0; at < 65_536; at++) a.next(at);
    });
    expect(saved.seen.error).toBeNull();
    saved.turn(() => b.next(0));
    expect(saved.seen.rows).toEqual([[0, 0]]);
    saved.turn(() => a.next(1));
    expect(saved.seen.error).toBeNull();
    saved.turn(() => a.next(2));
    expect(String(saved.seen.error)).toContain('zipWith holds 65536 events of input 0');
  });

  it('a pipeline that is complete does not listen after a restart', () => {
    for (const ending of [take<number>(1), takeWhile<number>((value) => value > 1)]) {
      const source = new Subject<number>();
      const saved = new SavedOperators(() => source.pipe(ending));
      saved.turn(() => source.next(1));
      saved.save();
      saved.restart();
      expect(saved.seen.isComplete).toBe(true);
      expect(source.observed).toBe(false);
    }
  });

  it.each<[string, (source: Observable<number>) => Observable<unknown>]>([
    ['scan {"hasSeed":true}', (source) => source.pipe(scan((sum, value) => sum + value, 0))],
    ['bufferCount {"every":2,"size":3}', (source) => source.pipe(bufferCount(3, 2))],
    ['distinct {"hasFlushes":false}', (source) => source.pipe(distinct())],
    ['distinctUntilKeyChanged {"key":"toFixed"}', (source) => source.pipe(distinctUntilKeyChanged('toFixed'))],
    ['take {"count":3}', (source) => source.pipe(take(3))],
    ['skip {"count":3}', (source) => source.pipe(skip(3))],
    ['startWith {"values":2}', (source) => source.pipe(startWith(1, 2))],
    ['takeWhile {"inclusive":true}', (source) => source.pipe(takeWhile(() => true, true))],
    ['withLatestFrom {"inputs":1}', (source) => source.pipe(withLatestFrom(source, (a, b) => a + b))],
    ['zipWith {"inputs":2}', (source) => source.pipe(zipWith(source))],
    [
      'fold {"by":["id"],"time":"ts","ttl":60000}',
      (source) =>
        source.pipe(
          map((id) => ({ id, ts: id })),
          fold({ by: 'id', ttl: '1m', time: 'ts', init: () => ({}), add: (state) => state }),
        ),
    ],
    [
      'dedupe {"by":["id","ts"],"time":null,"ttl":1000}',
      (source) =>
        source.pipe(
          map((id) => ({ id, ts: id })),
          dedupe({ by: ['id', 'ts'], ttl: '1s' }),
        ),
    ],
  ])('the shape is %s', (shape, build) => {
    expect(new SavedOperators(() => build(new Subject()), 'ts').shape).toBe(shape);
  });
});

it('outside of a mill nothing is opened, and inside another one everything is', () => {
  const opened: string[] = [];
  const scope = {
    operator: (name: string, shape: unknown) => {
      opened.push(name);
      return within(null, () => openOperator(name, shape));
    },
  };
  const rows: unknown[] = [];
  const pipeline = of(1, 2, 3).pipe(take(2), pairwise());
  pipeline.subscribe((row) => rows.push(row));
  expect(opened).toEqual([]);
  within(scope, () => pipeline.subscribe((row) => rows.push(row)));
  expect(opened).toEqual(['pairwise', 'take']);
  expect(rows).toEqual([
    [1, 2],
    [1, 2],
  ]);
});

it('operators that pass rows on keep their description', () => {
  const description = { columns: [] };
  const rows = described(new Subject<{ id: number; ts: number }>().asObservable(), description);
  const passing = rows.pipe(
    take(3),
    skip(1),
    takeWhile(() => true),
    distinct(({ id }) => id),
    distinctUntilChanged((a, b) => a.id === b.id),
    distinctUntilKeyChanged('id'),
    dedupe({ by: 'id', ttl: 5, time: 'ts' }),
  );
  expect(descriptionOf(passing)).toBe(description);
  expect(descriptionOf(rows.pipe(pairwise()))).toBeNull();
  expect(descriptionOf(rows.pipe(startWith(1)))).toBeNull();
});
