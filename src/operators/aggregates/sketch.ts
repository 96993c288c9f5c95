import type { ObjectForm } from './object-form.js';

/**
 * DDSketch (Masson, Rim, Lee, VLDB 2019): counts values in bins whose bounds grow by a factor, so that whatever lies in a bin is at
 * most `accuracy` away from the bin's value, relative to itself. The only library for it in the registry that is kept up forgets
 * negative values when two sketches are merged, and takes a kilobyte for a single value; a window has a sketch per key.
 *
 * A sketch is plain data: bins and counts in rising order of the values. A bin's number is that of its power of gamma, moved away
 * from 0, with the sign of its values; 0 counts zeros and what is too small to be a normal float64.
 */
export interface Sketch {
  readonly bins: number[];
  readonly counts: number[];
}

export const SKETCH_FORM: ObjectForm = {
  clone: (sketch) => {
    const { bins, counts } = sketch as Sketch;
    return { bins: bins.slice(), counts: counts.slice() };
  },
  pack: (sketch) => sketch,
  unpack: (sketch) => sketch,
};

const AWAY_FROM_ZERO = 2 ** 33;
const INFINITY = 2 ** 40;
/** More than every number, as in SQL. */
const NOT_A_NUMBER = 2 ** 41;
/** Below it floats have fewer digits than the bound needs. */
const NORMAL_MIN = 2 ** -1022;

export class SketchScale {
  readonly #gamma: number;
  readonly #logOfGamma: number;

  /** @param accuracy the bound of the relative error, above 0 and below 1 */
  constructor(accuracy: number) {
    this.#gamma = (1 + accuracy) / (1 - accuracy);
    this.#logOfGamma = Math.log1p((2 * accuracy) / (1 - accuracy));
  }

  add({ bins, counts }: Sketch, value: number, count = 1): void {
    this.#count(bins, counts, this.#binOf(value), count);
  }

  merge(into: Sketch, from: Sketch): void {
    for (const [at, bin] of from.bins.entries()) this.#count(into.bins, into.counts, bin, from.counts[at]!);
  }

  /** The value at rank `q × (n − 1)`, rounded down, of the n values in order; null where there is none. */
  quantile({ bins, counts }: Sketch, q: number): number | null {
    const total = counts.reduce((sum, count) => sum + count, 0);
    const rank = Math.floor(q * (total - 1));
    for (let at = 0, passed = 0; at < bins.length; at++) {
      passed += counts[at]!;
      if (passed > rank) return this.#valueOf(bins[at]!);
    }
    return null;
  }

  #count(bins: number[], counts: number[], bin: number, count: number): void {
    let low = 0;
    for (let high = bins.length; low < high; ) {
      const middle = (low + high) >>> 1;
      if (bins[middle]! < bin) low = middle + 1;
      else high = middle;
    }
    if (bins[low] === bin) counts[low]! += count;
    else {
      bins.splice(low, 0, bin);
      counts.splice(low, 0, count);
    }
  }

  #binOf(value: number): number {
    if (Number.isNaN(value)) return NOT_A_NUMBER;
    const size = Math.abs(value);
    if (size < NORMAL_MIN) return 0;
    const bin = size === Infinity ? INFINITY : Math.ceil(Math.log(size) / this.#logOfGamma) + AWAY_FROM_ZERO;
    return value < 0 ? -bin : bin;
  }

  /** The middle of the bin, as far from its bounds as the accuracy says. */
  #valueOf(bin: number): number {
    if (bin === NOT_A_NUMBER) return Number.NaN;
    if (bin === 0) return 0;
    const power = Math.abs(bin) - AWAY_FROM_ZERO;
    // Not by the power itself, which may be beyond the largest float where its middle is not.
    const size =
      Math.abs(bin) === INFINITY ? Infinity : Math.exp(power * this.#logOfGamma - Math.log((1 + this.#gamma) / 2));
    return bin < 0 ? -Math.min(size, this.#largest(bin)) : Math.min(size, this.#largest(bin));
  }

  /** A finite value stays one. */
  #largest(bin: number): number {
    return Math.abs(bin) === INFINITY ? Infinity : Number.MAX_VALUE;
  }
}
