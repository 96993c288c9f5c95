import type { Observable } from 'rxjs';
import * as rxjs from 'rxjs';
import * as millrace from '../../../src/index.js';

/** What both give: RxJS's operators, and those of millrace under the same names. */
export type Operators = Pick<
  typeof rxjs,
  | 'bufferCount'
  | 'combineLatestWith'
  | 'distinct'
  | 'distinctUntilChanged'
  | 'distinctUntilKeyChanged'
  | 'pairwise'
  | 'scan'
  | 'skip'
  | 'skipWhile'
  | 'startWith'
  | 'take'
  | 'takeWhile'
  | 'withLatestFrom'
  | 'zipWith'
>;

export const theirs: Operators = rxjs;
/** The compiler says that the signatures are the same. */
export const ours: Operators = millrace;

/** A pipeline of one input with numbers, and of a second one. */
export type Build = (operators: Operators, a: Observable<number>, b: Observable<number>) => Observable<unknown>;

const failing =
  <T>(at: number, work: (value: number) => T) =>
  (value: number): T => {
    if (value === at) throw new Error(`no ${at}`);
    return work(value);
  };

/** Those that behave in a mill exactly as in memory, from the first event on. */
export const CASES: Readonly<Record<string, Build>> = {
  'scan without a seed': ({ scan }, a) => a.pipe(scan((sum: number, value: number, index) => sum * 3 + value + index)),
  'scan with a seed': ({ scan }, a) => a.pipe(scan((sum, value, index) => `${sum},${value}@${index}`, '')),
  'scan from undefined': ({ scan }, a) =>
    a.pipe(scan((sum: number | undefined, value) => (value === 3 ? undefined : (sum ?? 100) + value), undefined)),
  'scan that changes its state in place': ({ scan }, a) =>
    a.pipe(
      scan((list: number[], value) => {
        list.push(value);
        if (list.length > 5) list.shift();
        return list;
      }, []),
    ),
  'scan that throws': ({ scan }, a) => a.pipe(scan((sum, value) => failing(9, (one) => sum + one)(value), 0)),
  pairwise: ({ pairwise }, a) => a.pipe(pairwise()),
  'pairwise of undefined and null': ({ pairwise }, a) =>
    a.pipe(
      rxjs.map((value) => [undefined, null, Number.NaN, -0, 1n, value][value % 6]),
      pairwise(),
    ),
  distinct: ({ distinct }, a) => a.pipe(distinct()),
  'distinct by a key': ({ distinct }, a) =>
    a.pipe(distinct((value) => [undefined, null, Number.NaN, 'null', true, '1', 1, 1n, -0, 0][value])),
  'distinct with flushes': ({ distinct }, a, b) => a.pipe(distinct((value) => value % 4, b)),
  'distinct with a flush from the beginning': ({ distinct }, a, b) =>
    a.pipe(distinct((value) => value, rxjs.merge(rxjs.of(0), b))),
  'distinct that throws': ({ distinct }, a) => a.pipe(distinct(failing(9, (value) => value % 5))),
  distinctUntilChanged: ({ distinctUntilChanged }, a) =>
    a.pipe(
      rxjs.map((value) => [undefined, null, Number.NaN, 'a', -0, 0][value % 6]),
      distinctUntilChanged(),
    ),
  'distinctUntilChanged with a comparator': ({ distinctUntilChanged }, a) =>
    a.pipe(
      rxjs.map((value) => ({ value })),
      distinctUntilChanged((x: { value: number }, y) => y.value >= x.value),
    ),
  'distinctUntilChanged by a key': ({ distinctUntilChanged }, a) =>
    a.pipe(
      distinctUntilChanged(
        (x: { of: number }, y) => x.of === y.of,
        (value) => ({ of: value >> 1 }),
      ),
    ),
  'distinctUntilChanged that throws': ({ distinctUntilChanged }, a) =>
    a.pipe(distinctUntilChanged((x, y) => failing(9, (value) => value === x)(y))),
  distinctUntilKeyChanged: ({ distinctUntilKeyChanged }, a) =>
    a.pipe(
      rxjs.map((value) => ({ value, half: value >> 1 })),
      distinctUntilKeyChanged('half'),
    ),
  'distinctUntilKeyChanged with a comparator': ({ distinctUntilKeyChanged }, a) =>
    a.pipe(
      rxjs.map((value) => ({ value, of: { half: value >> 1 } })),
      distinctUntilKeyChanged('of', (x, y) => x.half === y.half),
    ),
  'bufferCount(3)': ({ bufferCount }, a) => a.pipe(bufferCount(3)),
  'bufferCount(1)': ({ bufferCount }, a) => a.pipe(bufferCount(1)),
  'bufferCount(4, 1)': ({ bufferCount }, a) => a.pipe(bufferCount(4, 1)),
  'bufferCount(5, 2)': ({ bufferCount }, a) => a.pipe(bufferCount(5, 2)),
  'bufferCount(2, 5)': ({ bufferCount }, a) => a.pipe(bufferCount(2, 5)),
  'bufferCount after take': ({ bufferCount, take }, a) => a.pipe(take(7), bufferCount(3, 2)),
  'take(1)': ({ take }, a) => a.pipe(take(1)),
  'take(10)': ({ take }, a) => a.pipe(take(10)),
  'take(2.5)': ({ take }, a) => a.pipe(take(2.5)),
  takeWhile: ({ takeWhile }, a) => a.pipe(takeWhile((value, index) => value !== 3 || index < 6)),
  'takeWhile, inclusive': ({ takeWhile }, a) => a.pipe(takeWhile((value) => value !== 3, true)),
  'takeWhile that throws': ({ takeWhile }, a) => a.pipe(takeWhile(failing(9, (value) => value !== 3))),
  'skip(0)': ({ skip }, a) => a.pipe(skip(0)),
  'skip(6)': ({ skip }, a) => a.pipe(skip(6)),
  skipWhile: ({ skipWhile }, a) => a.pipe(skipWhile((value, index) => value !== 3 && index < 10)),
  'skipWhile that throws': ({ skipWhile }, a) => a.pipe(skipWhile(failing(9, (value) => value !== 3))),
  withLatestFrom: ({ withLatestFrom }, a, b) => a.pipe(withLatestFrom(b)),
  'withLatestFrom that projects': ({ withLatestFrom }, a, b) =>
    a.pipe(withLatestFrom(b, b.pipe(rxjs.map((value) => value * 2)), (x, y, z) => failing(9, () => [x, y, z])(x))),
  'withLatestFrom of a value from the beginning': ({ withLatestFrom, startWith }, a, b) =>
    a.pipe(withLatestFrom(b.pipe(startWith(-1)), rxjs.of('x', 'y'), rxjs.merge(rxjs.of(-2), b))),
  'withLatestFrom of a state from the beginning': ({ withLatestFrom, startWith, scan }, a, b) =>
    a.pipe(
      withLatestFrom(
        b.pipe(
          startWith(100, 10),
          scan((sum, value) => sum + value),
        ),
      ),
    ),
  'withLatestFrom of itself': ({ withLatestFrom, scan }, a) =>
    a.pipe(withLatestFrom(a.pipe(scan((sum, value) => sum + value, 0)))),
  combineLatestWith: ({ combineLatestWith }, a, b) => a.pipe(combineLatestWith(b, a)),
  'combineLatestWith of what completes': ({ combineLatestWith, take }, a, b) =>
    a.pipe(take(4), combineLatestWith(b.pipe(take(3)))),
  'combineLatestWith of a value from the beginning': ({ combineLatestWith, startWith }, a, b) =>
    a.pipe(combineLatestWith(b.pipe(startWith(-1)), rxjs.of('x', 'y'))),
  zipWith: ({ zipWith }, a, b) => a.pipe(zipWith(b)),
  'zipWith three': ({ zipWith, skip }, a, b) => a.pipe(zipWith(b, a.pipe(skip(2)))),
  'zipWith of what completes': ({ zipWith, take }, a, b) => a.pipe(take(5), zipWith(b.pipe(take(3)))),
  'several, one after the other': ({ scan, pairwise, skip, bufferCount, distinctUntilChanged }, a) =>
    a.pipe(
      distinctUntilChanged(),
      scan((sum, value) => sum + value, 0),
      skip(2),
      pairwise(),
      bufferCount(2, 1),
    ),
  'several, side by side': ({ scan, take, pairwise }, a, b) =>
    rxjs.merge(a.pipe(scan((sum, value) => sum + value, 0)), b.pipe(pairwise()), a.pipe(take(3))),
};

/** Those whose start values come with the first event in a mill. */
export const STARTING: Readonly<Record<string, Build>> = {
  startWith: ({ startWith }, a) => a.pipe(startWith(7, undefined, null)),
  'startWith before others': ({ startWith, pairwise, take }, a) => a.pipe(startWith(7, 8), pairwise(), take(3)),
  'startWith before scan': ({ startWith, scan }, a) =>
    a.pipe(
      startWith(7),
      scan((sum: number, value: number) => sum + value),
    ),
};
