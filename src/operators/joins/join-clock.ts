import { columnarCodec, type Numbers } from '../../snapshots/columnar-codec.js';
import type { KeyedState } from '../../snapshots/keyed-state.js';
import type { OperatorHome } from '../pipeline-scope.js';
import { type Counter, Counters } from '../stateful/counters.js';

export const LEFT = 0;
export const RIGHT = 1;
export type Side = typeof LEFT | typeof RIGHT;

const NUMBERED = 2;
const FIELDS = 3;

/**
 * The time of a join: its watermark is the lesser one of the latest times of both sides, less the lateness. A side that is further
 * behind than `maxLag` does not hold it back, and one that has completed counts no more. It only rises, and only by events.
 */
export class JoinClock {
  /** What is not late has this time at least. */
  watermark = -Infinity;
  private readonly latest: [number, number] = [-Infinity, -Infinity];
  private readonly isOver: [boolean, boolean] = [false, false];
  private readonly progress: KeyedState<string, Numbers, Float64Array>;
  private readonly late: readonly [Counter, Counter];
  private slot = -1;

  /** Times in milliseconds. */
  constructor(
    home: OperatorHome,
    private readonly lateness: number,
    private readonly maxLag: number,
  ) {
    this.progress = home.keyed('progress', columnarCodec(FIELDS));
    const counters = new Counters(home);
    this.late = [counters.counter('lateLeft'), counters.counter('lateRight')];
  }

  /** To be called when the home has loaded. */
  load(): void {
    const { progress, latest } = this;
    this.slot = progress.find('');
    if (this.slot >= 0) [latest[LEFT], latest[RIGHT]] = progress.get('') as unknown as [number, number];
    this.move();
  }

  /** An event has this time. One that is late is counted. */
  see(side: Side, time: number): void {
    if (time < this.watermark) this.late[side].add();
    if (time <= this.latest[side]) return;
    this.latest[side] = time;
    this.save(side, time);
    this.move();
  }

  /** There will be no more events of a side. */
  end(side: Side): void {
    this.isOver[side] = true;
    this.move();
  }

  hasEnded(side: Side): boolean {
    return this.isOver[side];
  }

  /** A number for an event that is kept: higher than all before. */
  takeNumber(): number {
    const number = this.slot < 0 ? 0 : this.progress.values(this.slot)[this.progress.offset(this.slot) + NUMBERED]!;
    this.save(NUMBERED, number + 1);
    return number;
  }

  private move(): void {
    const { latest, isOver, lateness, maxLag } = this;
    const [left, right] = latest;
    let time = Math.max(Math.min(left, right), Math.max(left, right) - maxLag);
    if (isOver[LEFT]) time = isOver[RIGHT] ? Infinity : Math.max(time, right);
    else if (isOver[RIGHT]) time = Math.max(time, left);
    this.watermark = time - lateness;
  }

  private save(field: number, value: number): void {
    const { progress } = this;
    if (this.slot < 0) {
      this.slot = progress.claim('');
      const values = progress.change(this.slot);
      values.set(this.latest, progress.offset(this.slot));
    }
    progress.change(this.slot)[progress.offset(this.slot) + field] = value;
  }
}
