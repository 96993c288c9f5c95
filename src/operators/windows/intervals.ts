/** Windows that lie fixed on the time line: which of them an event is in follows from its time alone. Each is `[start, end)`. */
export interface Intervals {
  /** Whether an event can be in more than one. */
  readonly overlap: boolean;
  /** What they are, as plain data: equal for equal ones. */
  readonly shape: unknown;
  /** The start of the last one that begins at or before a time. */
  startOf(time: number): number;
  endOf(start: number): number;
  /** The start of the one before it. */
  before(start: number): number;
}

/** Of `size` milliseconds, one every `every` milliseconds, counted from `offset`: whole numbers. */
export class FixedIntervals implements Intervals {
  readonly overlap: boolean;
  readonly shape: unknown;

  constructor(
    private readonly size: number,
    private readonly every: number,
    private readonly offset: number,
  ) {
    this.overlap = every < size;
    this.shape = { size, every, offset };
  }

  startOf(time: number): number {
    // Bounds are whole: so nothing is rounded on the way, also where a time is not.
    const whole = Math.floor(time);
    const into = (whole - this.offset) % this.every;
    return whole - (into < 0 ? into + this.every : into);
  }

  endOf(start: number): number {
    return start + this.size;
  }

  before(start: number): number {
    return start - this.every;
  }
}
