import type { InputTimes } from './input-times.js';

/**
 * The event time up to which events are taken to be complete: the latest time seen, over all keys, less the lateness; of several
 * inputs the least of theirs. It only rises: by events, and by ticks, where the clock says that nothing is to be waited for any more.
 */
export class Watermark {
  time = -Infinity;
  /** The latest time seen, over all inputs. */
  latest = -Infinity;
  /** Events that had to wait for their turn. */
  waited = 0;

  /**
   * @param lateness by how many milliseconds events may come out of order
   * @param inputs null where there is only one
   */
  constructor(
    readonly lateness: number,
    readonly inputs: InputTimes | null = null,
  ) {}

  /** An event has this time. Gives whether the watermark rose. */
  advance(time: number): boolean {
    const { inputs } = this;
    if (time > this.latest) this.latest = time;
    else if (inputs === null) return false;
    if (inputs === null) return this.raise(time - this.lateness);
    return inputs.saw(time) && this.raise(inputs.leastLatest() - this.lateness);
  }

  /** The clock says that all events up to this time are there, or that inputs are idle. Gives whether the watermark rose. */
  passed(time: number): boolean {
    const byClock = this.raise(time);
    return (this.inputs !== null && this.raise(this.inputs.leastLatest() - this.lateness)) || byClock;
  }

  private raise(time: number): boolean {
    if (time <= this.time) return false;
    this.time = time;
    return true;
  }
}
