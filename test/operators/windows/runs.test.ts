import { countWindow, eventWindow, stateWindow } from '../../../src/index.js';
import { expectMarbles, rowsOf, type Sample } from './support.js';

const ofState = stateWindow(({ s }: Sample) => s);
const hot = eventWindow(
  ({ v }: Sample) => v! > 90,
  ({ v }: Sample) => v! < 80,
);

describe('state windows', () => {
  it('are from the first event with a state to the first one with another', () => {
    expectMarbles('a-b-c-d-e-|', 'a1=7 a2=7 a5=8 b6=8 a9=7', ofState, '----a---b-(cd|)', [
      'a [1, 5) 1..2 n=2 avg=7 max=7',
      'a [5, 9) 5..5 n=1 avg=8 max=8',
      'b [6, 6) 6..6 n=1 avg=8 max=8',
      'a [9, 9) 9..9 n=1 avg=7 max=7',
    ]);
  });

  it('see events in the order of their times, whatever the order of arrival', () => {
    expectMarbles(
      'abcdef|',
      'a1=7 a5=8 a2=7 a9=8 a20=7 a30=9',
      ofState,
      '----ab(cd|)',
      [
        'a [1, 5) 1..2 n=2 avg=7 max=7',
        'a [5, 20) 5..9 n=2 avg=8 max=8',
        'a [20, 30) 20..20 n=1 avg=7 max=7',
        'a [30, 30) 30..30 n=1 avg=9 max=9',
      ],
      { lateness: 10 },
    );
  });

  it('pass over events without a state', () => {
    const nulls = stateWindow(({ v }: Sample) => v);
    expect(rowsOf('a1=7 a2= a3=7 a4=8', nulls)).toEqual([
      'a [1, 4) 1..3 n=2 avg=7 max=7',
      'a [4, 4) 4..4 n=1 avg=8 max=8',
    ]);
  });

  it('tell states apart as a Map does', () => {
    const states = [Number.NaN, Number.NaN, 0, -0, '0', 0n];
    const window = stateWindow(({ ts }: Sample) => states[ts]);
    expect(rowsOf('a0 a1 a2 a3 a4 a5', window)).toHaveLength(4);
  });
});

describe('event windows', () => {
  it('are from an event that starts one to the one that ends it, with both', () => {
    expectMarbles('abcdefg|', 'a1=50 a2=95 a3=99 a4=85 a5=70 a6=60 a7=91', hot, '----a--(b|)', [
      'a [2, 5) 2..5 n=4 avg=87.25 max=99',
      'a [7, 7) 7..7 n=1 avg=91 max=91',
    ]);
  });

  it('may be of one event', () => {
    const single = eventWindow(
      () => true,
      () => true,
    );
    expect(rowsOf('a1 b2 a2', single)).toEqual([
      'a [1, 1) 1..1 n=1 avg=1 max=1',
      'b [2, 2) 2..2 n=1 avg=2 max=2',
      'a [2, 2) 2..2 n=1 avg=2 max=2',
    ]);
  });

  it('ask for a start outside only, and for an end inside only', () => {
    const asked: string[] = [];
    const window = eventWindow(
      ({ ts }: Sample) => asked.push(`start ${ts}`) > 0 && ts === 2,
      ({ ts }: Sample) => asked.push(`end ${ts}`) > 0 && ts === 4,
    );
    rowsOf('a1 a2 a3 a4 a5', window);
    expect(asked).toEqual(['start 1', 'start 2', 'end 2', 'end 3', 'end 4', 'start 5']);
  });
});

describe('count windows', () => {
  it('take so many events of a key', () => {
    expectMarbles('abcde|', 'a1 b2 a3 b4 a5', countWindow(2), '--ab-(c|)', [
      'a [1, 3) 1..3 n=2 avg=2 max=3',
      'b [2, 4) 2..4 n=2 avg=3 max=4',
      'a [5, 5) 5..5 n=1 avg=5 max=5',
    ]);
  });

  it('overlap where one begins more often', () => {
    expect(rowsOf('a1 a2 a3 a4 a5', countWindow(3, 1))).toEqual([
      'a [1, 3) 1..3 n=3 avg=2 max=3',
      'a [2, 4) 2..4 n=3 avg=3 max=4',
      'a [3, 5) 3..5 n=3 avg=4 max=5',
      'a [4, 5) 4..5 n=2 avg=4.5 max=5',
      'a [5, 5) 5..5 n=1 avg=5 max=5',
    ]);
    expect(rowsOf('a1 a2 a3 a4 a5', countWindow(3, 2))).toEqual([
      'a [1, 3) 1..3 n=3 avg=2 max=3',
      'a [3, 5) 3..5 n=3 avg=4 max=5',
      'a [5, 5) 5..5 n=1 avg=5 max=5',
    ]);
  });

  it('count in the order of times, equal ones in order of arrival; what is late is out', () => {
    const late: number[] = [];
    const rows = rowsOf('a3 a1 a3=9 a2 a20 a4 a21', countWindow(2), {
      lateness: 10,
      onLate: ({ ts }) => late.push(ts),
    });
    expect(rows).toEqual([
      'a [1, 2) 1..2 n=2 avg=1.5 max=2',
      'a [3, 3) 3..3 n=2 avg=6 max=9',
      'a [20, 21) 20..21 n=2 avg=20.5 max=21',
    ]);
    expect(late).toEqual([4]);
  });

  it('have updates', () => {
    expect(rowsOf('a1 a2 a3', countWindow(2), { emit: 'updates' })).toEqual([
      'a [1, 1) 1..1 n=1 avg=1 max=1 …',
      'a [1, 2) 1..2 n=2 avg=1.5 max=2',
      'a [3, 3) 3..3 n=1 avg=3 max=3 …',
      'a [3, 3) 3..3 n=1 avg=3 max=3',
    ]);
  });
});
