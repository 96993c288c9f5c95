import { columnarCodec, type Numbers } from '../../snapshots/columnar-codec.js';
import type { KeyedState } from '../../snapshots/keyed-state.js';
import type { OperatorHome } from '../pipeline-scope.js';

/** The name of the state in which an operator keeps its counters: the mill's metrics show what is in it. */
export const COUNTERS = 'counters';

/**
 * What an operator counts for the mill's metrics, such as events that came too late, under names. Counts are state: they go on after a
 * restart, and what is re-emitted is not counted twice.
 *
 * @example
 * const late = new Counters(home).counter('late');
 * late.add();
 */
export class Counters {
  private readonly state: KeyedState<string, Numbers, Float64Array>;

  constructor(home: OperatorHome) {
    this.state = home.keyed(COUNTERS, columnarCodec(1));
  }

  counter(name: string): Counter {
    return new Counter(this.state, name);
  }
}

export class Counter {
  constructor(
    private readonly state: KeyedState<string, Numbers, Float64Array>,
    private readonly name: string,
  ) {}

  get count(): number {
    return this.state.get(this.name)?.[0] ?? 0;
  }

  add(): void {
    const slot = this.state.claim(this.name);
    this.state.change(slot)[this.state.offset(slot)]! += 1;
  }
}
