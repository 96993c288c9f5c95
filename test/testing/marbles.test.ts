import { parseMarbles, printMarbles } from '../../src/testing/marbles.js';
import { isSame } from '../../src/testing/same.js';

const marks = (text: string) =>
  [...text.matchAll(/(\w)(\d+)/g)].map(([, letter, frame]) => ({ letter: letter!, frame: Number(frame) }));

describe('marbles', () => {
  it('count frames as RxJS does: a group takes as many as it has characters, a space none', () => {
    const { frames, length } = parseMarbles('-a (bc)^- !(d|)');
    expect(
      frames.map(({ at, events, hasCheckpoint, end }) => [
        at,
        events.map(({ letter }) => letter).join(''),
        hasCheckpoint,
        end,
      ]),
    ).toEqual([
      [1, 'a', false, null],
      [2, 'bc', false, null],
      [6, '', true, null],
      [8, '', false, '!'],
      [9, 'd', false, '|'],
    ]);
    expect(length).toBe(13);
  });

  it('of several streams are taken frame by frame, in the order of the streams', () => {
    const { frames } = parseMarbles({ two: '(ab)-!', one: 'c---d-' });
    expect(frames).toEqual([
      {
        at: 0,
        events: [
          { stream: 'two', letter: 'a' },
          { stream: 'two', letter: 'b' },
          { stream: 'one', letter: 'c' },
        ],
        hasCheckpoint: false,
        end: null,
      },
      { at: 4, events: [{ stream: 'one', letter: 'd' }], hasCheckpoint: false, end: null },
      { at: 5, events: [], hasCheckpoint: false, end: '!' },
    ]);
  });

  it.each([
    ['', 0, 3, '---'],
    ['a1 b3', 0, 5, '-a-b-'],
    ['a3', 2, 5, '  -a-'],
    ['a1 b1 c5', 0, 7, '-(ab)c-'],
    ['a1 b1 c2', 0, 4, '-(ab)c'],
    ['', 3, 3, '   '],
  ])('are printed under those that were given: %s', (text, from, to, printed) => {
    expect(printMarbles(marks(text), from, to)).toBe(printed);
  });
});

describe('what a mill takes for the same', () => {
  it.each<[a: unknown, b: unknown, same: boolean]>([
    [{ a: 1, b: undefined }, { a: 1 }, true],
    [{ a: 1, b: null }, { a: 1 }, false],
    [Object.assign(Object.create(null), { a: [1, { b: 2 }] }), { a: [1, { b: 2 }] }, true],
    [Number.NaN, Number.NaN, true],
    [0, -0, false],
    [1n, 1, false],
    [[1], { 0: 1 }, false],
    [[1, undefined], [1], false],
    [new Date(5), new Date(5), true],
    [new Date(5), new Date(6), false],
    [new Date(5), {}, false],
    [Uint8Array.of(1), Uint8Array.of(1), true],
    [Uint8Array.of(1), Uint8Array.of(2), false],
    [undefined, {}, false],
  ])('%p and %p: %p', (a, b, same) => {
    expect([isSame(a, b), isSame(b, a)]).toEqual([same, same]);
  });
});
