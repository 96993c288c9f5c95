import { hopping, session, tumbling } from '../../../src/index.js';
import { rowsOf, type Sample } from './support.js';

describe('late events', () => {
  it('are dropped and counted: what comes when its window has ended, however early it is for the watermark', () => {
    const late: string[] = [];
    const onLate = ({ ts }: Sample, count: number): void => void late.push(`${count}: ${ts}`);
    expect(rowsOf('a1 a15 a9 a14 b3 a16', tumbling(10), { onLate })).toEqual([
      'a [0, 10) 1..1 n=1 avg=1 max=1',
      'a [10, 20) 14..16 n=3 avg=15 max=16',
    ]);
    expect(late).toEqual(['1: 9', '2: 3']);
  });

  it('are not late while the lateness lasts, to the millisecond', () => {
    expect(rowsOf('a1 a14 a9', tumbling(10), { lateness: 5 })[0]).toBe('a [0, 10) 1..9 n=2 avg=5 max=9');
    expect(rowsOf('a1 a15 a9', tumbling(10), { lateness: 5 })[0]).toBe('a [0, 10) 1..1 n=1 avg=1 max=1');
  });

  it('correct a window that has ended, and make one that there was not yet, for as long as it was said', () => {
    const late: number[] = [];
    const onLate = ({ ts }: Sample): void => void late.push(ts);
    expect(rowsOf('a1 a15 a9 b3 a3 a29 a8 a30 a7 a19', tumbling(10), { late: { correct: 20 }, onLate })).toEqual([
      'a [0, 10) 1..1 n=1 avg=1 max=1',
      'a [0, 10) 1..9 n=2 avg=5 max=9 #1',
      'b [0, 10) 3..3 n=1 avg=3 max=3',
      'a [0, 10) 1..9 n=3 avg=4.333333333333333 max=9 #2',
      'a [10, 20) 15..15 n=1 avg=15 max=15',
      'a [0, 10) 1..9 n=4 avg=5.25 max=9 #3',
      'a [20, 30) 29..29 n=1 avg=29 max=29',
      'a [10, 20) 15..19 n=2 avg=17 max=19 #1',
      'a [30, 40) 30..30 n=1 avg=30 max=30',
    ]);
    expect(late).toEqual([7]);
  });

  it('go to the side where that is asked for', () => {
    const side: number[] = [];
    const options = { late: 'side', onLate: ({ ts }: Sample) => void side.push(ts) } as const;
    expect(rowsOf('a1 a15 a9', tumbling(10), options)).toHaveLength(2);
    expect(side).toEqual([9]);
  });

  it('correct those of the hopping windows that they are in', () => {
    expect(rowsOf('a1 a12 a7', hopping(10, 5), { late: { correct: 5 } })).toEqual([
      'a [-5, 5) 1..1 n=1 avg=1 max=1',
      'a [0, 10) 1..1 n=1 avg=1 max=1',
      'a [0, 10) 1..7 n=2 avg=4 max=7 #1',
      'a [5, 15) 7..12 n=2 avg=9.5 max=12',
      'a [10, 20) 12..12 n=1 avg=12 max=12',
    ]);
  });

  it('are in no update before they correct: a corrected row is final', () => {
    expect(rowsOf('a1 a15 a9', tumbling(10), { late: { correct: 20 }, emit: 'updates' })).toEqual([
      'a [0, 10) 1..1 n=1 avg=1 max=1 …',
      'a [0, 10) 1..1 n=1 avg=1 max=1',
      'a [10, 20) 15..15 n=1 avg=15 max=15 …',
      'a [0, 10) 1..9 n=2 avg=5 max=9 #1',
      'a [10, 20) 15..15 n=1 avg=15 max=15',
    ]);
  });
});

describe('late events of sessions', () => {
  it('are dropped where the session that they would be has ended', () => {
    expect(rowsOf('a1 a20 a8 a30', session(10))).toEqual([
      'a [1, 11) 1..1 n=1 avg=1 max=1',
      'a [20, 30) 20..20 n=1 avg=20 max=20',
      'a [30, 40) 30..30 n=1 avg=30 max=30',
    ]);
  });

  it('that leave the bounds where they were correct the row', () => {
    expect(rowsOf('a1 a8 a30 a5', session(10), { late: { correct: 50 } })).toEqual([
      'a [1, 18) 1..8 n=2 avg=4.5 max=8',
      'a [1, 18) 1..8 n=3 avg=4.666666666666667 max=8 #1',
      'a [30, 40) 30..30 n=1 avg=30 max=30',
    ]);
  });

  it('that move the bounds take the old row back first', () => {
    expect(rowsOf('a1 a30 a8', session(10), { late: { correct: 50 } })).toEqual([
      'a [1, 11) 1..1 n=1 avg=1 max=1',
      'a [1, 11) 1..1 n=0 avg=null max=null #1',
      'a [1, 18) 1..8 n=2 avg=4.5 max=8 #2',
      'a [30, 40) 30..30 n=1 avg=30 max=30',
    ]);
  });

  it('may make two sessions one, both ended', () => {
    expect(rowsOf('a1 a15 a50 a8', session(10), { late: { correct: 50 } })).toEqual([
      'a [1, 11) 1..1 n=1 avg=1 max=1',
      'a [15, 25) 15..15 n=1 avg=15 max=15',
      'a [1, 11) 1..1 n=0 avg=null max=null #1',
      'a [15, 25) 15..15 n=0 avg=null max=null #1',
      'a [1, 25) 1..15 n=3 avg=8 max=15 #2',
      'a [50, 60) 50..50 n=1 avg=50 max=50',
    ]);
  });

  it('may open one again that has ended, which then ends once more', () => {
    expect(rowsOf('a1 a15 a8 a40', session(10), { late: { correct: 50 } })).toEqual([
      'a [1, 11) 1..1 n=1 avg=1 max=1',
      'a [1, 11) 1..1 n=0 avg=null max=null #1',
      'a [1, 25) 1..15 n=3 avg=8 max=15 #2',
      'a [40, 50) 40..40 n=1 avg=40 max=40',
    ]);
  });
});
