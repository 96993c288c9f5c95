import { seededRandom } from '../../src/storage/random.js';

/** Everything that a simulation draws. The same seed draws the same. */
export class Dice {
  readonly random: () => number;

  constructor(seed: number) {
    this.random = seededRandom(seed);
  }

  chance(probability: number): boolean {
    return this.random() < probability;
  }

  /** A whole number from `min` to `max` inclusive. */
  between(min: number, max: number): number {
    return min + Math.floor(this.random() * (max - min + 1));
  }

  /** A whole number from 1 to `max`, small ones far more often than large ones. */
  skewed(max: number): number {
    return Math.max(1, Math.round(max ** this.random()));
  }

  pick<T>(options: readonly T[]): T {
    return options[Math.floor(this.random() * options.length)]!;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.between(0, 255));
  }
}
