import { MillraceError } from '../errors.js';
import { KeyedState } from '../snapshots/keyed-state.js';
import type { StateCodec, Values } from '../snapshots/state-codec.js';
import type { StateKey } from '../snapshots/state-key.js';
import type { InputBranch } from './stateful/side-input.js';

/** Where a stateful operator keeps its state: in memory, or in a mill. */
export interface OperatorHome {
  /** What the operator is called among those of its pipeline, the same from run to run. Not there outside of a mill. */
  readonly path?: string;
  /**
   * Whether what the operator gives may be kept by what comes after it, a table or another operator: then it must share nothing with state
   * that is changed in place, else what is kept changes too, and is another one after a restart. Not there outside of a mill.
   */
  readonly isKeptAfter?: boolean;
  /**
   * State of this name, unique in the operator; empty until it is loaded. To be asked for while the operator subscribes.
   *
   * @param isIndexed whether keys are looked for; default `true`. See `KeyedState.insert`.
   */
  keyed<K extends StateKey, V, A extends Values>(
    part: string,
    codec: StateCodec<V, A>,
    isIndexed?: boolean,
  ): KeyedState<K, V, A>;
  /**
   * Calls back once the state is as it was saved, before the first event: at once outside of a mill. What the callback throws ends
   * the pipeline.
   */
  whenLoaded(callback: () => void): void;
  /**
   * Calls back before the state is saved, or read by the operator once more: what changes with each event need not be in it in between. Not
   * there outside of a mill. To be asked for while the operator subscribes.
   */
  beforeSave?(callback: () => void): void;
  /**
   * Calls back with the time of each tick, in its turn, so that something can end although no event comes. Not there outside of a mill. To
   * be asked for while the operator subscribes.
   */
  onTick?(callback: (now: number) => void): void;
  /** When the operator needs a tick, by the clock, in milliseconds; `Infinity` for not at all. To be said again after each load. */
  wantTick?(at: number): void;
  /**
   * Opens the side stream of events that come too late, and gives what takes them, with their times. Not there outside of a mill. To be
   * asked for while the operator subscribes.
   */
  sideOfLate?(): (event: unknown, time: number) => void;
  /** Subscribes to the operator's source: streams that are subscribed to meanwhile, but as side inputs, are its inputs. */
  readFrom(subscribe: () => void): void;
  /** How many inputs it has; 1 outside of a mill, where nobody knows. */
  readonly inputs: number;
  /** Which of them has the turn. */
  readonly input: number;
  /** The column with the event time of the streams that the operator's source reads, known from `whenLoaded` on; `null` where nobody knows. */
  readonly timeColumn: string | null;
  /** The same for another input of the operator. Not there outside of a mill. */
  timeColumnOf?(branch: InputBranch): string | null;
}

/** What a mill is to the operators of one pipeline, while it subscribes and in each turn. */
export interface PipelineScope {
  /** @throws MillraceError `INVALID_ARGUMENT` inside a turn */
  operator(name: string, shape: unknown): OperatorHome;
}

let scope: PipelineScope | null = null;

/** Runs something with this scope as the ambient one. */
export function within<T>(inner: PipelineScope | null, work: () => T): T {
  const outer = enterScope(inner);
  try {
    return work();
  } finally {
    enterScope(outer);
  }
}

/** Makes this scope the ambient one, for whoever counts nanoseconds; gives the one before, which must be entered again. */
export function enterScope(inner: PipelineScope | null): PipelineScope | null {
  const outer = scope;
  scope = inner;
  return outer;
}

/** The pipeline that is being subscribed to, or that has its turn; `null` outside of a mill. */
export function currentScope(): PipelineScope | null {
  return scope;
}

/**
 * Opens the home of an operator that is being subscribed to. Inside a pipeline of a mill its state is saved by checkpoints and
 * loaded again at the next start; elsewhere it is in memory and goes with the subscription.
 *
 * @param name of the operator, as its user knows it: `scan`
 * @param shape what of its options decides whether state that was saved still fits, as plain data: another shape is refused
 * @throws MillraceError `INVALID_ARGUMENT` where it is first subscribed to inside a turn
 * @example
 * const home = openOperator('dedupe', { ttl });
 * const seen = home.keyed('seen', columnarCodec(1));
 * home.whenLoaded(() => { … });
 */
export function openOperator(name: string, shape: unknown): OperatorHome {
  return scope === null ? new MemoryHome(name) : scope.operator(name, shape);
}

class MemoryHome implements OperatorHome {
  readonly timeColumn = null;
  readonly inputs = 1;
  readonly input = 0;
  private readonly parts = new Set<string>();

  constructor(private readonly name: string) {}

  keyed<K extends StateKey, V, A extends Values>(
    part: string,
    codec: StateCodec<V, A>,
    isIndexed = true,
  ): KeyedState<K, V, A> {
    if (this.parts.has(part)) throw new MillraceError('INVALID_ARGUMENT', `${this.name} has a state ${part} already.`);
    this.parts.add(part);
    return new KeyedState(`${this.name}/${part}`, codec, isIndexed);
  }

  whenLoaded(callback: () => void): void {
    callback();
  }

  readFrom(subscribe: () => void): void {
    subscribe();
  }
}
