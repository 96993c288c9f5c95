/**
 * The event time up to which events are taken to be complete: the latest time seen, over all keys, less the lateness. It only rises,
 * and only by events. (The mill takes the least one of several inputs.)
 */
export class Watermark {
  latest = -Infinity;
  /** Events that came too late. */
  lateEvents = 0;
  /** Events that had to wait for their turn. */
  waited = 0;

  /** @param lateness by how many milliseconds events may come out of order */
  constructor(readonly lateness: number) {}

  get time(): number {
    return this.latest - this.lateness;
  }
}
