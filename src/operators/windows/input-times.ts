import { columnarCodec, type Numbers } from '../../snapshots/columnar-codec.js';
import type { KeyedState } from '../../snapshots/keyed-state.js';
import type { OperatorHome } from '../pipeline-scope.js';

/** Of each input: its latest event time, the tick since which it is quiet (NaN: none came since its last event), 1 where it is idle. */
const LATEST = 0;
const QUIET_SINCE = 1;
const IS_IDLE = 2;
const FIELDS = 3;

/** After an input has held windows back for so long by the clock, as far as event times tell it, a tick looks how long it is quiet. */
const HELD_MS = 1_000;

/**
 * How far each of several inputs is, and which of them are idle: an input without an event for some time of the clock is not waited
 * for, until it has one again. What the clock says is known from ticks only: so in every run the same ones are idle at the same places.
 */
export class InputTimes {
  private readonly state: KeyedState<number, Numbers, Float64Array>;

  /** @param idleAfter milliseconds by the clock; `Infinity` for never */
  constructor(
    private readonly home: OperatorHome,
    private readonly idleAfter: number,
  ) {
    this.state = home.keyed('inputs', columnarCodec(FIELDS));
  }

  /** To be called when the home has loaded: then it is known how many inputs there are. Their slots are their numbers. */
  load(): void {
    for (let input = this.state.size; input < this.home.inputs; input++)
      this.state.set(input, [-Infinity, Number.NaN, 0]);
  }

  private get count(): number {
    return this.state.size;
  }

  /** The input that has the turn gave an event with this time. Gives whether `leastLatest` may have changed. */
  saw(time: number): boolean {
    const { input } = this.home;
    const values = this.state.change(input);
    const at = input * FIELDS;
    values[at + QUIET_SINCE] = Number.NaN;
    const wasIdle = values[at + IS_IDLE] === 1;
    values[at + IS_IDLE] = 0;
    if (time <= values[at + LATEST]!) return wasIdle;
    values[at + LATEST] = time;
    return true;
  }

  /** The least of the latest times of inputs that are not idle; where all are, the latest of all. */
  leastLatest(): number {
    let least = Infinity;
    let latest = -Infinity;
    const values = this.state.values(0);
    for (let at = 0; at < this.count * FIELDS; at += FIELDS) {
      const time = values[at + LATEST]!;
      if (time > latest) latest = time;
      if (values[at + IS_IDLE] === 0 && time < least) least = time;
    }
    return least === Infinity ? latest : least;
  }

  /** The clock says that it is `now`. */
  tick(now: number): void {
    if (this.idleAfter === Infinity) return;
    for (let input = 0; input < this.count; input++) {
      const values = this.state.change(input);
      const at = input * FIELDS;
      const quietSince = values[at + QUIET_SINCE]!;
      if (Number.isNaN(quietSince)) values[at + QUIET_SINCE] = now;
      else if (now - quietSince >= this.idleAfter) values[at + IS_IDLE] = 1;
    }
  }

  /**
   * When the clock should be asked, where something that ends at `due` waits for the inputs that are behind.
   *
   * @param latest the latest time seen, over all inputs
   */
  tickWanted(due: number, latest: number, lateness: number): number {
    if (this.idleAfter === Infinity || latest - lateness < due) return Infinity;
    let wanted = Infinity;
    const values = this.state.values(0);
    for (let at = 0; at < this.count * FIELDS; at += FIELDS) {
      const isBehind = values[at + IS_IDLE] === 0 && values[at + LATEST]! - lateness < due;
      if (!isBehind) continue;
      const quietSince = values[at + QUIET_SINCE]!;
      wanted = Math.min(wanted, Number.isNaN(quietSince) ? latest + HELD_MS : quietSince + this.idleAfter);
    }
    return wanted;
  }
}
