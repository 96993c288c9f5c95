import { type Observable, Subscription } from 'rxjs';
import { MillraceError } from '../../errors.js';
import { enterScope, type OperatorHome, type PipelineScope, within } from '../../operators/pipeline-scope.js';
import { currentBranch } from '../../operators/stateful/side-input.js';
import { KeyedState } from '../../snapshots/keyed-state.js';
import type { StateCodec, Values } from '../../snapshots/state-codec.js';
import type { StateKey } from '../../snapshots/state-key.js';
import { toCanonicalJson } from '../../wal/canonical-json.js';
import { PipelineHome } from './pipeline-home.js';
import { PipelineInputs, type PipelineStream, type Reader } from './pipeline-inputs.js';

/** What a pipeline gives. */
export interface PipelineSink {
  /** A row, in a turn. */
  next(row: unknown): void;
  /** An event that came too late for an operator, with its time. */
  late(event: unknown, time: number): void;
  /** It failed outside of a turn: it gives no more. */
  failed(error: unknown): void;
  /** Whether rows are kept as they are, as a table does. */
  readonly keepsRows?: boolean;
  /** Whose turns it has; not there while a declaration is looked at. */
  readonly turns?: PipelineTurns;
}

/** How far a pipeline is. */
export interface PipelineTurns {
  /** The lsn of its last turn, or of the one that it has just now. */
  readonly turnLsn: number;
  readonly state: string;
  /** What gives it the turns that it missed, as long as it is not live. */
  readonly catchUp: unknown;
}

// biome-ignore lint/suspicious/noExplicitAny: states of any keys and values
export type AnyState = KeyedState<any, any, any>;

/**
 * One run of a user's pipeline: what it reads, the operators that keep state in it, and its turns. It is the ambient scope while it is
 * being subscribed to and in each turn, so that streams and operators find it.
 */
export class Pipeline implements PipelineScope {
  /** What it reads. */
  readonly reads = new PipelineInputs();
  /** Its operators and inputs as texts, in the order in which it subscribed: where they change, saved state no longer fits. */
  readonly shape: string[] = [];
  readonly states: AnyState[] = [];
  /** What went wrong; `null` as long as nothing did. */
  failure: unknown = null;
  /** Whether an operator gives events that come too late to a side stream. */
  hasLate = false;
  /** The input that has the turn. */
  turnInput = -1;
  /** When each operator that may end something without an event needs a tick. */
  private readonly ticksWanted = new Map<string, number>();
  /** To be called once its state is as it was saved. */
  readonly whenLoaded: (() => void)[] = [];
  /** To be called before its state is saved. */
  readonly beforeSave: (() => void)[] = [];
  private subscription = new Subscription();
  private operators = 0;
  private isSubscribing = false;
  private isInTurn = false;

  constructor(
    readonly name: string,
    private readonly rows: Observable<unknown>,
    readonly sink: PipelineSink,
    /** The stream of ticks. */
    private readonly ticks: () => PipelineStream,
  ) {}

  /** The streams that it reads, in the order in which it subscribed: once for each part of it that subscribes to one. */
  get inputs(): readonly PipelineStream[] {
    return this.reads.streams;
  }

  /** @throws what subscribing throws, and MillraceError `INVALID_ARGUMENT` where the pipeline gives something at once or reads no stream */
  subscribe(): void {
    this.isSubscribing = true;
    try {
      within(this, () => {
        this.subscription = this.rows.subscribe({
          next: (row) => this.output(row),
          error: (error) => this.fail(error),
        });
      });
    } finally {
      this.isSubscribing = false;
    }
    if (this.failure !== null) throw this.failure;
    if (this.inputs.length === 0)
      throw this.refusal('reads no stream of this mill: begin it with one, as in readings.pipe(…)');
  }

  unsubscribe(): void {
    this.subscription.unsubscribe();
  }

  /**
   * Subscribes once more after an error in a turn, to go on with the next event: operators find their state as it is.
   *
   * @throws as `subscribe`
   */
  restart(): void {
    this.subscription.unsubscribe();
    this.settle();
    this.beforeSave.length = 0;
    this.failure = null;
    this.operators = 0;
    this.shape.length = 0;
    this.reads.clear();
    this.subscribe();
    this.loaded();
  }

  /** Its state is as it was saved: operators may begin. */
  loaded(): void {
    within(this, () => {
      for (const callback of this.whenLoaded.splice(0)) callback();
    });
    if (this.failure !== null) throw this.failure;
  }

  /** Its states are as its operators are: they may be saved. */
  settle(): void {
    for (const callback of this.beforeSave) callback();
  }

  /** Gives a row of an input its turn. */
  push(input: number, row: unknown): void {
    const outer = enterScope(this);
    this.isInTurn = true;
    this.turnInput = input;
    try {
      const readers = this.reads.readersOf(input);
      for (let at = 0; at < readers.length; at++) readers[at]!.next(row);
    } catch (error) {
      this.fail(error);
    } finally {
      this.isInTurn = false;
      enterScope(outer);
    }
  }

  /** A stream of the mill that the pipeline subscribes to. */
  input(stream: PipelineStream, reader: Reader): void {
    if (!this.isSubscribing)
      throw this.refusal(
        `subscribes to stream "${stream.name}" inside a turn. Subscribe to it with the pipeline: merge(a, b), or a join`,
      );
    if (stream.isSide)
      throw this.refusal(`reads the side stream "${stream.name}", which is for subscribers and for history`);
    this.shape.push(`from ${stream.name}`);
    this.reads.add(stream, reader);
  }

  operator(name: string, shape: unknown): OperatorHome {
    if (!this.isSubscribing)
      throw this.refusal(
        `subscribes to the stateful operator ${name} inside a turn, where its state would have no name. Use one with a key in place of one for each key: fold({ by }), windowed(…, { by })`,
      );
    // Operators are opened before the one that they get their events from.
    const isKeptAfter = this.operators > 0 || this.sink.keepsRows === true;
    const path = `${this.name}/${this.operators++}-${name}`;
    this.shape.push(`${name} ${toCanonicalJson(shape)}`);
    return new PipelineHome(this, path, currentBranch(), isKeptAfter);
  }

  onTick(operator: string, callback: (now: number) => void): void {
    this.ticksWanted.set(operator, Infinity);
    this.input(this.ticks(), { next: (tick) => callback((tick as { ts: number }).ts), add: () => {} });
  }

  wantTick(operator: string, at: number): void {
    this.ticksWanted.set(operator, at);
  }

  /** When it needs a tick, by the clock; `Infinity` for not at all, `null` where it never does. */
  get tickWanted(): number | null {
    return this.ticksWanted.size === 0 ? null : Math.min(...this.ticksWanted.values());
  }

  /** The state of this name; the same one after a restart. */
  state<K extends StateKey, V, A extends Values>(
    name: string,
    codec: StateCodec<V, A>,
    isIndexed: boolean,
  ): KeyedState<K, V, A> {
    const known = this.states.find((state) => state.name === name) as KeyedState<K, V, A> | undefined;
    if (known !== undefined) return known;
    const state = new KeyedState<K, V, A>(name, codec, isIndexed);
    this.states.push(state);
    return state;
  }

  private output(row: unknown): void {
    if (this.failure !== null) return;
    if (!this.isInTurn) {
      const when = this.isSubscribing ? 'while it is being subscribed to' : 'outside of a turn';
      this.fail(
        this.refusal(
          `gave a row ${when}. What it gives must come while it takes an event: leave timers, promises and delays to subscribers of the derived stream`,
        ),
      );
      return;
    }
    try {
      this.sink.next(row);
    } catch (error) {
      this.fail(error);
    }
  }

  private fail(error: unknown): void {
    if (this.failure !== null) return;
    this.failure = error ?? new Error('The pipeline failed without saying why.');
    if (!this.isSubscribing && !this.isInTurn) this.sink.failed(this.failure);
  }

  private refusal(what: string): MillraceError {
    return new MillraceError('INVALID_ARGUMENT', `The pipeline of "${this.name}" ${what}.`, { stream: this.name });
  }
}
