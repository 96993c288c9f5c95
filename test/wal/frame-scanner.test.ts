import { recordSource } from '../../src/wal/frame.js';
import { inAlignedMemory, WINDOW_BYTES } from '../../src/wal/frame-scanner.js';
import type { Hash } from '../../src/wal/hash.js';
import { fileOf, frameFor, look, now, scannerOf } from '../support/log-files.js';
import { hashing } from '../support/log-mill.js';

let hash: Hash;
beforeAll(async () => {
  hash = await hashing();
});

const frames = (...commits: number[]) => commits.map((commit) => frameFor(63, hash, { commit }));

/** The commits and offsets that a scanner comes by. */
function scan(bytes: Uint8Array, participant = 63): [number, number][] {
  const scanner = scannerOf(bytes, hash, participant);
  const found: [number, number][] = [];
  while (look(scanner) === 'frame') {
    found.push([scanner.current.header.commit, scanner.current.offset]);
    scanner.advance();
  }
  return found;
}

describe('FrameScanner', () => {
  it('comes by every frame, with where it begins', () => {
    const three = frames(1, 2, 3);
    const length = three[0]!.length;
    expect(scan(fileOf(three))).toEqual([
      [1, 64],
      [2, 64 + length],
      [3, 64 + 2 * length],
    ]);
  });

  it('stays at a frame until it is told to go on', () => {
    const scanner = scannerOf(fileOf(frames(1, 2)), hash);
    expect([look(scanner), scanner.look(), scanner.look()]).toEqual(['frame', 'frame', 'frame']);
    expect(scanner.current.header.commit).toBe(1);
    scanner.advance();
    expect(look(scanner)).toBe('frame');
    expect(scanner.current.header.commit).toBe(2);
  });

  it('wants to read before it knows', () => {
    const scanner = scannerOf(fileOf(frames(1)), hash);
    expect(scanner.look()).toBe('more');
    now(scanner.fill());
    expect(scanner.look()).toBe('frame');
  });

  it.each<[string, () => Buffer, number]>([
    ['the end of the file', () => fileOf(frames(1, 2)), 2],
    ['zeros', () => fileOf(frames(1, 2), 4096), 2],
    ['fewer bytes than a header', () => Buffer.concat([fileOf(frames(1)), frames(2)[0]!.subarray(0, 71)]), 1],
    ['fewer bytes than the body', () => Buffer.concat([fileOf(frames(1)), frames(2)[0]!.subarray(0, -1)]), 1],
    ['something that is no frame', () => Buffer.concat([fileOf(frames(1)), Buffer.alloc(4096, 0xab)]), 1],
    ['a frame whose hash is wrong', () => damaged(fileOf(frames(1, 2, 3)), 64 + 90), 0],
    ['a frame of another file', () => fileOf([...frames(1), frameFor(5, hash, { commit: 2 })]), 1],
    [
      'a frame whose mask does not name its file',
      () => fileOf([...frames(1), frameFor(63, hash, { commit: 2, participants: [0] })]),
      1,
    ],
    ['nothing behind the header', () => fileOf([]), 0],
  ])('ends at %s', (_, make, count) => {
    expect(scan(make())).toHaveLength(count);
  });

  it('reads frames that are longer than its window, and many shorter ones over several windows', () => {
    const long = frameFor(63, hash, { commit: 1, entries: [recordSource('x'.repeat(3 * WINDOW_BYTES))] });
    const middling = Array.from({ length: 7 }, (_, at) =>
      frameFor(63, hash, { commit: at + 2, entries: [recordSource('y'.repeat(WINDOW_BYTES / 3))] }),
    );
    const found = scan(fileOf([...middling, long, ...frames(20)]));
    expect(found.map(([commit]) => commit)).toEqual([2, 3, 4, 5, 6, 7, 8, 1, 20]);
  });

  it('reads no further than its limit, and on when that grows', () => {
    const bytes = fileOf(frames(1, 2));
    const scanner = scannerOf(bytes, hash);
    scanner.limit = 64 + frames(1)[0]!.length;
    expect(look(scanner)).toBe('frame');
    scanner.advance();
    expect(look(scanner)).toBe('none');
    scanner.limit = bytes.length;
    expect(look(scanner)).toBe('frame');
  });

  it('fails where the file has become shorter than its limit, rather than read for ever', () => {
    const scanner = scannerOf(fileOf(frames(1, 2)), hash);
    scanner.limit += 1000;
    expect(() => look(scanner)).toThrow(expect.objectContaining({ code: 'CORRUPT_LOG', path: '/file.wal' }));
  });
});

describe('memory for typed arrays', () => {
  it('is copied where it does not begin at a multiple of 8, and only there', () => {
    const memory = new ArrayBuffer(32);
    for (const start of [0, 1, 4, 8, 12]) {
      const bytes = new Uint8Array(memory, start, 8).fill(start);
      const found = inAlignedMemory(bytes);
      expect(found.byteOffset % 8).toBe(0);
      expect(found).toEqual(bytes);
      expect(found === bytes).toBe(start % 8 === 0);
    }
  });
});

function damaged(bytes: Buffer, offset: number): Buffer {
  bytes[offset]! ^= 1;
  return bytes;
}
