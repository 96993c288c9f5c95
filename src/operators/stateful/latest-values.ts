import { jsonCodec } from '../../snapshots/state-codec.js';
import type { OperatorHome } from '../pipeline-scope.js';

/**
 * The latest value of each input, by the input's number. What an input gives while it is being subscribed to (`of(…)`) counts as long as
 * there is nothing saved for it: it gave the same at the first start, and was followed by what was saved.
 */
export class LatestValues {
  /** Not to be kept: it is changed. */
  readonly values: unknown[];
  private readonly has: boolean[];
  private missing: number;
  private early: [input: number, value: unknown][] | null = [];
  private readonly state;

  constructor(home: OperatorHome, inputs: number) {
    this.values = Array.from({ length: inputs });
    this.has = Array.from({ length: inputs }, () => false);
    this.missing = inputs;
    this.state = home.keyed<number, unknown, unknown[]>('latest', jsonCodec());
    home.whenLoaded(() => this.load());
  }

  /** Whether every input has given a value. */
  get isComplete(): boolean {
    return this.missing === 0;
  }

  set(input: number, value: unknown): void {
    if (this.early !== null) {
      this.early.push([input, value]);
      return;
    }
    this.state.set(input, value);
    this.put(input, value);
  }

  private load(): void {
    const early = this.early!;
    this.early = null;
    for (const [input, value] of this.state) this.put(input, value);
    const saved = [...this.has];
    for (const [input, value] of early) if (!saved[input]) this.set(input, value);
  }

  private put(input: number, value: unknown): void {
    this.values[input] = value;
    if (this.has[input]) return;
    this.has[input] = true;
    this.missing--;
  }
}
