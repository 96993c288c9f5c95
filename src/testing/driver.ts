import type { VirtualClock } from './virtual-clock.js';

/** Lets every microtask run: callbacks of `nextTick` come after the last of them, also of those that are queued meanwhile. */
function drained(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}

/** Node's streams go on by `nextTick` themselves, a few times in a row. */
const IDLE_ROUNDS_MAX = 12;
/** Far more than any life takes. */
const STEPS_MAX = 300_000;

/**
 * Steps a virtual clock under asynchronous code: each action, then everything that follows from it without time passing. No
 * macrotask is involved, so a step costs about a microsecond and the order of things follows from the seed alone.
 */
export class Driver {
  /** Waited for before each step. */
  between: (() => Promise<void>) | null = null;

  constructor(readonly clock: VirtualClock) {}

  /** Steps until `isDone`, through what is due up to `time`; false where nothing is left to do before. */
  async until(isDone: () => boolean, time = Infinity): Promise<boolean> {
    let idleRounds = 0;
    for (let step = 0; idleRounds < IDLE_ROUNDS_MAX; step++) {
      await drained();
      if (this.between !== null) await this.between();
      if (isDone()) return true;
      if (step === STEPS_MAX) throw new Error(`still busy after ${STEPS_MAX} steps`);
      const { next = Infinity } = this.clock;
      idleRounds = next <= time && this.clock.step() ? 0 : idleRounds + 1;
    }
    return false;
  }

  /** Resolves after so many simulated milliseconds; never, where nobody steps the clock. */
  pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => void this.clock.schedule(() => resolve(), milliseconds));
  }
}

/** The state of a promise, to be looked at without waiting. */
export class Watched<T> {
  result: { readonly value: T } | { readonly error: unknown } | null = null;

  constructor(promise: Promise<T>) {
    promise.then(
      (value) => {
        this.result = { value };
      },
      (error: unknown) => {
        this.result = { error };
      },
    );
  }

  get isSettled(): boolean {
    return this.result !== null;
  }

  /** What it resolved to; `null` where it did not (yet). */
  get value(): T | null {
    return this.result !== null && 'value' in this.result ? this.result.value : null;
  }

  /** The error; `null` where there is none (yet). */
  get error(): unknown {
    return this.result !== null && 'error' in this.result ? this.result.error : null;
  }
}
