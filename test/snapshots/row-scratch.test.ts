import { RowScratch } from '../../src/snapshots/segments/row-scratch.js';
import { hash } from './segment-support.js';

/** Words that differ from place to place and from row to row. */
function rowOf(length: number, seed: number): Uint32Array {
  return Uint32Array.from({ length }, (_, at) => Math.imul(at + 1, 0x9e3779b1) ^ Math.imul(seed + 1, 0x85ebca77));
}

function sumOf(rows: readonly Uint32Array[]): bigint {
  const scratch = RowScratch.empty();
  let start = 0;
  for (const row of rows) {
    scratch.room(start + 1 + row.length);
    scratch.words.set(row, start + 1);
    start = scratch.endRow(start, start + 1 + row.length);
  }
  return scratch.sum(start);
}

/** The same by xxhash-wasm, a call for each row. */
function expectedOf(rows: readonly Uint32Array[]): bigint {
  return rows.reduce((sum, row) => BigInt.asUintN(64, sum + hash(new Uint8Array(row.buffer))), 0n);
}

describe('the sum of hashes of rows', () => {
  it('is that of xxhash64 for every length', () => {
    for (let length = 0; length <= 300; length++) {
      const row = rowOf(length, length);
      expect(sumOf([row])).toBe(expectedOf([row]));
    }
  });

  it('adds up many rows, more than are held at a time, modulo 2⁶⁴', () => {
    const rows = Array.from({ length: 20_000 }, (_, at) => rowOf(at % 40, at));
    expect(sumOf(rows)).toBe(expectedOf(rows));
    expect(sumOf([])).toBe(0n);
  });

  it('takes rows that are longer than its memory was', () => {
    const rows = [rowOf(3, 1), rowOf(2 ** 20, 2), rowOf(2 ** 18 + 1, 3), rowOf(9, 4)];
    expect(sumOf(rows)).toBe(expectedOf(rows));
  });
});
