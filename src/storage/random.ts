/**
 * A small deterministic generator (mulberry32): the same seed gives the same numbers on every machine. For simulation, not
 * for secrets.
 *
 * @param seed any safe integer
 * @returns a function that gives the next number, 0 <= n < 1
 * @example
 * const random = seededRandom(7);
 * const die = 1 + Math.floor(random() * 6);
 */
export function seededRandom(seed: number): () => number {
  // The upper bits of a large seed are folded in, so that seeds counted from any base differ.
  let state = (seed ^ Math.floor(seed / 0x1_0000_0000)) | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}
