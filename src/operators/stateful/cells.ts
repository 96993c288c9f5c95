import type { KeyedState } from '../../snapshots/keyed-state.js';
import { objectCodec } from '../../snapshots/state-codec.js';
import type { OperatorHome } from '../pipeline-scope.js';

/**
 * The values of an operator that has one of each, under their names, in one state.
 *
 * @example
 * const seen = new Cells(home).cell<number>('seen');
 * seen.set((seen.get() ?? 0) + 1);
 */
export class Cells {
  private readonly state: KeyedState<string, unknown, unknown[]>;

  constructor(home: OperatorHome) {
    this.state = home.keyed('cells', objectCodec());
  }

  cell<V>(name: string): Cell<V> {
    return new Cell<V>(this.state, name);
  }
}

/** One value: set or not, also to `undefined`. */
export class Cell<V> {
  /** Negative while it is not set, and where nobody looked yet. */
  private slot = -1;

  constructor(
    private readonly state: KeyedState<string, unknown, unknown[]>,
    private readonly name: string,
  ) {}

  get isSet(): boolean {
    if (this.slot < 0) this.slot = this.state.find(this.name);
    return this.slot >= 0;
  }

  /** `undefined` where it is not set. */
  get(): V | undefined {
    return this.isSet ? (this.state.values(this.slot)[this.state.offset(this.slot)] as V) : undefined;
  }

  /** The value, which may be changed in place in this turn; it must be set. */
  change(): V {
    return this.state.change(this.slot)[this.state.offset(this.slot)] as V;
  }

  /** @throws MillraceError `INVALID_ARGUMENT` for a function or a symbol */
  set(value: V): void {
    this.state.codec.check(value);
    if (!this.isSet) this.slot = this.state.claim(this.name);
    this.state.change(this.slot)[this.state.offset(this.slot)] = value;
  }
}
