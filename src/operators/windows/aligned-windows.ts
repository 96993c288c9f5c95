import type { Intervals } from './intervals.js';
import { type Identity, identityOf } from './key.js';
import { END, START } from './window-states.js';
import type { Windowing, Windows } from './windowing.js';

/** The windows of all keys in one interval. */
interface Bucket {
  readonly start: number;
  readonly end: number;
  /** The slots, in the order in which the windows were opened. */
  readonly slots: Map<Identity, number>;
  /** Whether the final rows are out. */
  isClosed: boolean;
}

const NO_BUCKET: Bucket = { start: Infinity, end: -Infinity, slots: new Map(), isClosed: true };

/**
 * Tumbling, hopping and calendar windows. Windows that end together are emitted by end, then start, then in the order in which they
 * were opened: that of the arrival of their first events.
 */
export class AlignedWindows implements Windows {
  private readonly buckets = new Map<number, Bucket>();
  /** By end. */
  private readonly open: Bucket[] = [];
  /** Those that may still be corrected, by end. */
  private readonly closed: Bucket[] = [];
  /** The watermark at which there is something to do next. */
  private due = Infinity;
  /** The last event's. */
  private current = NO_BUCKET;

  constructor(
    private readonly windowing: Windowing,
    private readonly intervals: Intervals,
  ) {
    this.load();
  }

  next(event: unknown): void {
    const { windowing } = this;
    const { reader, watermark } = windowing.parts;
    const time = reader.timeOf(event);
    const identity = reader.identityOf(event);
    if (windowing.advance(time) && watermark.time >= this.due) this.pass(watermark.time);
    if (this.intervals.overlap) this.addToAll(event, identity, time);
    else {
      let bucket: Bucket | null = this.current;
      if (time < bucket.start || time >= bucket.end) {
        bucket = this.bucketOf(this.intervals.startOf(time));
        if (bucket === null) {
          windowing.late(event, time);
          return;
        }
        this.current = bucket;
      }
      this.add(bucket, event, identity, time);
    }
  }

  passed(): void {
    const { watermark } = this.windowing.parts;
    if (watermark.time >= this.due) this.pass(watermark.time);
  }

  get nextEnd(): number {
    return this.open[0]?.end ?? Infinity;
  }

  complete(): void {
    for (const bucket of this.open.splice(0)) this.emit(bucket);
  }

  /** What is open and what is closed follows from the watermark, the order in a bucket from that of the windows. */
  private load(): void {
    const { states, watermark } = this.windowing.parts;
    let bucket = NO_BUCKET;
    for (const slot of states.loaded) {
      const start = states.number(slot, START);
      if (start !== bucket.start)
        bucket = this.buckets.get(start) ?? this.newBucket(start, states.number(slot, END), watermark.time);
      bucket.slots.set(identityOf(states.key(slot)), slot);
    }
    this.due = this.nextDue();
  }

  /** Late is what comes too late for every window that it would be in. */
  private addToAll(event: unknown, identity: Identity, time: number): void {
    const { intervals } = this;
    let isLate = true;
    const starts: number[] = [];
    for (let start = intervals.startOf(time); intervals.endOf(start) > time; start = intervals.before(start))
      starts.push(start);
    // Earlier windows first: so they are opened, and their updates emitted, in the order of their ends.
    for (const start of starts.reverse()) {
      const bucket = this.bucketOf(start);
      if (bucket === null) continue;
      isLate = false;
      this.add(bucket, event, identity, time);
    }
    if (isLate) this.windowing.late(event, time);
  }

  private add(bucket: Bucket, event: unknown, identity: Identity, time: number): void {
    const { windowing } = this;
    const { states, reader, emitsUpdates } = windowing.parts;
    let slot = bucket.slots.get(identity);
    if (slot === undefined) {
      slot = states.open(reader.keyOf(event), bucket.start, bucket.end);
      bucket.slots.set(identity, slot);
    }
    windowing.add(slot, event, time);
    if (bucket.isClosed) windowing.emitFinal(slot);
    else if (emitsUpdates) windowing.emitUpdate(slot);
  }

  /** Null where it is over, also for corrections. */
  private bucketOf(start: number): Bucket | null {
    const known = this.buckets.get(start);
    if (known !== undefined) return known;
    const { watermark, correctFor } = this.windowing.parts;
    const end = this.intervals.endOf(start);
    if (end + correctFor <= watermark.time) return null;
    const bucket = this.newBucket(start, end, watermark.time);
    this.due = this.nextDue();
    return bucket;
  }

  private newBucket(start: number, end: number, watermark: number): Bucket {
    const bucket = { start, end, slots: new Map<Identity, number>(), isClosed: end <= watermark };
    this.buckets.set(start, bucket);
    insert(bucket.isClosed ? this.closed : this.open, bucket);
    return bucket;
  }

  /** What the watermark has passed is emitted, and forgotten where nothing can correct it any more. */
  private pass(watermark: number): void {
    const { open, closed } = this;
    const { correctFor } = this.windowing.parts;
    while (open.length > 0 && open[0]!.end <= watermark) {
      const bucket = open.shift()!;
      this.emit(bucket);
      insert(closed, bucket);
    }
    while (closed.length > 0 && closed[0]!.end + correctFor <= watermark) this.forget(closed.shift()!);
    this.due = this.nextDue();
  }

  private nextDue(): number {
    const { correctFor } = this.windowing.parts;
    return Math.min(this.open[0]?.end ?? Infinity, (this.closed[0]?.end ?? Infinity) + correctFor);
  }

  private emit(bucket: Bucket): void {
    const { windowing } = this;
    bucket.isClosed = true;
    for (const slot of bucket.slots.values()) {
      if (windowing.parts.isStopped()) return;
      windowing.emitFinal(slot);
    }
  }

  private forget(bucket: Bucket): void {
    const { states } = this.windowing.parts;
    for (const slot of bucket.slots.values()) states.close(slot);
    this.buckets.delete(bucket.start);
    // A tick may have ended it: the event that does is in a later one.
    if (bucket === this.current) this.current = NO_BUCKET;
  }
}

/** By end; nearly always it is the last. */
function insert(buckets: Bucket[], bucket: Bucket): void {
  let at = buckets.length;
  while (at > 0 && buckets[at - 1]!.end > bucket.end) at--;
  buckets.splice(at, 0, bucket);
}
