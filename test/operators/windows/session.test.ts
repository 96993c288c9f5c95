import { from } from 'rxjs';
import { session, sum, windowed } from '../../../src/index.js';
import { expectMarbles, rowsOf, samples } from './support.js';

describe('session windows', () => {
  it('go on as long as less than the gap is between two events', () => {
    expectMarbles('a-b-c-d-|', 'a1 a10 a20 a25', session(10), '----a---(b|)', [
      'a [1, 20) 1..10 n=2 avg=5.5 max=10',
      'a [20, 35) 20..25 n=2 avg=22.5 max=25',
    ]);
  });

  it('become one by an event between them', () => {
    expectMarbles(
      'abcd|',
      'a1 a15 a8 a36',
      session(10),
      '---a(b|)',
      ['a [1, 25) 1..15 n=3 avg=8 max=15', 'a [36, 46) 36..36 n=1 avg=36 max=36'],
      { lateness: 10 },
    );
  });

  it('go on in both directions', () => {
    expect(rowsOf('a10 a5 a1 a14', session(6), { lateness: 100 })).toEqual(['a [1, 20) 1..14 n=4 avg=7.5 max=14']);
  });

  it('that end together come out by end, start and the arrival of their first events', () => {
    expect(rowsOf('c3 b1 a3 b9 d9 c100', session(10), { lateness: 5 })).toEqual([
      'c [3, 13) 3..3 n=1 avg=3 max=3',
      'a [3, 13) 3..3 n=1 avg=3 max=3',
      'b [1, 19) 1..9 n=2 avg=5 max=9',
      'd [9, 19) 9..9 n=1 avg=9 max=9',
      'c [100, 110) 100..100 n=1 avg=100 max=100',
    ]);
  });

  it('that became one count as opened when the first of them was', () => {
    expect(rowsOf('a20 b5 a5 a12 b12 b20', session(10), { lateness: 100 })).toEqual([
      'a [5, 30) 5..20 n=3 avg=12.333333333333334 max=20',
      'b [5, 30) 5..20 n=3 avg=12.333333333333334 max=20',
    ]);
  });

  it('that became one keep what rounding took from the sums of both', () => {
    const totals: unknown[] = [];
    from(samples('a20=1e100 a21=1 a1=-1e100 a2=1 a11=0'))
      .pipe(windowed(session(11), { by: 'key', time: 'ts', lateness: 100, aggregate: { total: sum('v') } }))
      .subscribe(({ total }) => totals.push(total));
    expect(totals).toEqual([2]);
  });

  it('have updates that tell their bounds so far', () => {
    expect(rowsOf('a1 a5', session(10), { emit: 'updates' })).toEqual([
      'a [1, 11) 1..1 n=1 avg=1 max=1 …',
      'a [1, 15) 1..5 n=2 avg=3 max=5 …',
      'a [1, 15) 1..5 n=2 avg=3 max=5',
    ]);
  });
});
