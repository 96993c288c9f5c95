import { hopping, tumbling } from '../../../src/index.js';
import { expectMarbles, rowsOf } from './support.js';

describe('tumbling windows', () => {
  it('end when an event reaches their end, and at completion', () => {
    expectMarbles('-a-b-c--d-|', 'a1 a9 a10 a25', tumbling(10), '-----a--b-(c|)', [
      'a [0, 10) 1..9 n=2 avg=5 max=9',
      'a [10, 20) 10..10 n=1 avg=10 max=10',
      'a [20, 30) 25..25 n=1 avg=25 max=25',
    ]);
  });

  it('wait for the lateness, with events in any order up to it', () => {
    expectMarbles(
      'abcdef-|',
      'a5 a12 a3 a9 a14 a15',
      tumbling(10),
      '-----a-(b|)',
      ['a [0, 10) 3..9 n=3 avg=5.666666666666667 max=9', 'a [10, 20) 12..15 n=3 avg=13.666666666666666 max=15'],
      { lateness: 5 },
    );
  });

  it('are of each key, but time is of all: one key ends the windows of the others', () => {
    expect(rowsOf('b1 a2 c3 a4 c10', tumbling(10))).toEqual([
      'b [0, 10) 1..1 n=1 avg=1 max=1',
      'a [0, 10) 2..4 n=2 avg=3 max=4',
      'c [0, 10) 3..3 n=1 avg=3 max=3',
      'c [10, 20) 10..10 n=1 avg=10 max=10',
    ]);
  });

  it('that one event ends come out by end, then in the order of arrival of their first events', () => {
    expect(rowsOf('b11 c12 a1 b2 a13 a50', tumbling(10), { lateness: 20 })).toEqual([
      'a [0, 10) 1..1 n=1 avg=1 max=1',
      'b [0, 10) 2..2 n=1 avg=2 max=2',
      'b [10, 20) 11..11 n=1 avg=11 max=11',
      'c [10, 20) 12..12 n=1 avg=12 max=12',
      'a [10, 20) 13..13 n=1 avg=13 max=13',
      'a [50, 60) 50..50 n=1 avg=50 max=50',
    ]);
  });

  it('go on before 1970, with fractions of a millisecond, and with an offset', () => {
    expect(rowsOf('a-10 a-0.5 a0', tumbling(10))).toEqual([
      'a [-10, 0) -10..-0.5 n=2 avg=-5.25 max=-0.5',
      'a [0, 10) 0..0 n=1 avg=0 max=0',
    ]);
    expect(rowsOf('a2 a3 a12 a13', tumbling(10, { offset: 3 }))).toEqual([
      'a [-7, 3) 2..2 n=1 avg=2 max=2',
      'a [3, 13) 3..12 n=2 avg=7.5 max=12',
      'a [13, 23) 13..13 n=1 avg=13 max=13',
    ]);
    expect(rowsOf('a2', tumbling(10, { offset: -3 }))).toEqual(['a [-3, 7) 2..2 n=1 avg=2 max=2']);
    expect(rowsOf('a2', tumbling(10, { offset: '1s' }))).toEqual(['a [0, 10) 2..2 n=1 avg=2 max=2']);
  });

  it('take weeks from Monday on', () => {
    const monday = Date.UTC(2024, 4, 6);
    const [row] = rowsOf(`a${monday + 1} a${monday - 1}`, tumbling('1w'), { lateness: '1d' });
    expect(row).toContain(`[${monday - 7 * 86_400_000}, ${monday})`);
  });

  it('have rows after each event where updates are asked for', () => {
    expectMarbles(
      'abc-d----|',
      'a1 b2 a3 a10',
      tumbling(10),
      'abc-(def)(g|)',
      [
        'a [0, 10) 1..1 n=1 avg=1 max=1 …',
        'b [0, 10) 2..2 n=1 avg=2 max=2 …',
        'a [0, 10) 1..3 n=2 avg=2 max=3 …',
        'a [0, 10) 1..3 n=2 avg=2 max=3',
        'b [0, 10) 2..2 n=1 avg=2 max=2',
        'a [10, 20) 10..10 n=1 avg=10 max=10 …',
        'a [10, 20) 10..10 n=1 avg=10 max=10',
      ],
      { emit: 'updates' },
    );
  });
});

describe('hopping windows', () => {
  it('take an event into each window that has its time', () => {
    expectMarbles('a-b-c-----|', 'a1 a7 a20', hopping(10, 5), '--a-(bc)--(de|)', [
      'a [-5, 5) 1..1 n=1 avg=1 max=1',
      'a [0, 10) 1..7 n=2 avg=4 max=7',
      'a [5, 15) 7..7 n=1 avg=7 max=7',
      'a [15, 25) 20..20 n=1 avg=20 max=20',
      'a [20, 30) 20..20 n=1 avg=20 max=20',
    ]);
  });

  it('need not divide their size by their hop', () => {
    expect(rowsOf('a6', hopping(10, 4))).toEqual(['a [0, 10) 6..6 n=1 avg=6 max=6', 'a [4, 14) 6..6 n=1 avg=6 max=6']);
    expect(rowsOf('a9', hopping(10, 4))).toEqual([
      'a [0, 10) 9..9 n=1 avg=9 max=9',
      'a [4, 14) 9..9 n=1 avg=9 max=9',
      'a [8, 18) 9..9 n=1 avg=9 max=9',
    ]);
  });

  it('are those that tumble where both are the same', () => {
    const events = 'a1 b7 a12 b3 a25';
    expect(rowsOf(events, hopping(10, 10), { lateness: 3 })).toEqual(rowsOf(events, tumbling(10), { lateness: 3 }));
  });

  it('take an event that is late for some of them into the others, and count it only where it is for all', () => {
    const late: number[] = [];
    const rows = rowsOf('a1 a12 a7 a4', hopping(10, 5), { onLate: (_event, count) => late.push(count) });
    expect(rows).toEqual([
      'a [-5, 5) 1..1 n=1 avg=1 max=1',
      'a [0, 10) 1..1 n=1 avg=1 max=1',
      'a [5, 15) 7..12 n=2 avg=9.5 max=12',
      'a [10, 20) 12..12 n=1 avg=12 max=12',
    ]);
    expect(late).toEqual([1]);
  });
});
