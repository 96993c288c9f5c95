import type { Observable } from 'rxjs';
import { describe } from '../../errors.js';
import type { CapturedState } from '../../snapshots/captured-state.js';
import type { Row } from '../row-codec.js';
import type { Build } from './build.js';
import type { CapturedRows, DerivedOutput, SideOutputs } from './derived-output.js';
import { inputFailed } from './misuse.js';
import { type AnyState, Pipeline } from './pipeline.js';
import type { PipelineStream } from './pipeline-inputs.js';

/** What a derivation is doing. */
export interface DerivationStatus {
  /**
   * `new`: the mill has not started. `catchingUp`: it processes history. `live`: it has a turn with each event. `stopped`: its pipeline
   * threw, or gave what cannot be taken; it goes on where its last checkpoint stands when the mill starts again.
   */
  readonly state: 'new' | 'catchingUp' | 'live' | 'stopped';
  /** Every event with a lower lsn was processed. */
  readonly processedTo: number;
  /** Whether it is a version that is being built: readers have the one before it. */
  readonly isBuild?: boolean;
  /** The lsn of the event at which it stopped, and why. */
  readonly lsn?: number;
  readonly cause?: unknown;
}

/** A derivation as it was between two turns, on its way into a snapshot. */
export interface CapturedDerivation {
  readonly derivation: Derivation;
  readonly processedTo: number;
  readonly states: readonly CapturedState[];
  readonly rows: readonly CapturedRows[];
  /** Where it is a version that is being built, whether it has caught up, so that the manifest brings it into force. */
  readonly swaps: boolean;
}

const NO_ROWS: readonly unknown[] = [];

/** A derived stream or table at work: its pipeline, how far it is, and the turn that it has just now. */
export class Derivation {
  /** Every event with a lower lsn was processed. */
  processedTo = 0;
  state: DerivationStatus['state'] = 'new';
  failure: { readonly lsn: number; readonly cause: unknown } | null = null;
  /** The lsn of its last turn … */
  turnLsn = -1;
  /** … and what it gave there, as those see it who read it. */
  private rows: unknown[] = [];
  /** Whether the outputs have taken something in this turn, and whether some of that is not accepted yet: most turns give nothing. */
  private hasGiven = false;
  private hasTaken = false;
  private hearsEveryTurn = false;
  /** What gives it the turns that it missed: those that share it are at the same event. */
  catchUp: unknown = null;
  /** Where it is a version that is being built. */
  build: Build | null = null;
  /** The derivations whose rows it reads. */
  readonly upstream: readonly Derivation[];
  private readonly downstream: Derivation[] = [];
  readonly pipeline: Pipeline;
  private output!: DerivedOutput;
  private sides: SideOutputs = { late: null, deadLetters: null };
  private outputs: readonly DerivedOutput[] = [];
  private isLoaded = false;

  /** @throws what subscribing to the pipeline throws */
  constructor(
    readonly name: string,
    readonly kind: 'stream' | 'table',
    readonly ordinal: number,
    readonly version: number,
    rows: Observable<unknown>,
    others: ReadonlyMap<PipelineStream, Derivation>,
    ticks: () => PipelineStream,
  ) {
    const sink = {
      next: (row: unknown) => {
        this.hasTaken = true;
        this.output.take(row);
      },
      late: (event: unknown, time: number) => {
        this.hasTaken = true;
        this.sides.late?.take({ ts: Math.round(time), event });
      },
      failed: (cause: unknown) => this.stop(this.turnLsn, cause),
      keepsRows: kind === 'table',
      turns: this,
    };
    this.pipeline = new Pipeline(name, rows, sink, ticks);
    this.pipeline.subscribe();
    this.upstream = [...new Set(this.inputs.flatMap((input) => others.get(input) ?? []))];
    for (const upstream of this.upstream) upstream.downstream.push(this);
  }

  /** What its pipeline reads and which operators keep state in it. */
  get shape(): readonly string[] {
    return this.pipeline.shape;
  }

  get inputs(): readonly PipelineStream[] {
    return this.pipeline.inputs;
  }

  /** When it needs a tick, by the clock; `Infinity` for not at all, `null` where it never does. */
  get tickWanted(): number | null {
    return this.pipeline.tickWanted;
  }

  /** All that a checkpoint has to write. */
  get states(): readonly AnyState[] {
    return [...this.pipeline.states, ...this.output.states];
  }

  get status(): DerivationStatus {
    const { state, processedTo, failure, build } = this;
    return { state, processedTo, ...(build && { isBuild: true }), ...failure };
  }

  /** Its rows go there. To be called before it is loaded. */
  connect(output: DerivedOutput, sides: SideOutputs): void {
    this.output = output;
    this.sides = sides;
    this.hearsEveryTurn = output.hearsEveryTurn ?? false;
    this.outputs = [output, ...[sides.late, sides.deadLetters].filter((side) => side !== null)];
  }

  /** What was saved of it is in its states. @throws what an operator says of it */
  loaded(processedTo: number): void {
    this.processedTo = processedTo;
    this.pipeline.loaded();
    this.isLoaded = true;
    this.state = 'catchingUp';
  }

  /** Gives an input's row its turn. Rows of one lsn, from whatever input, are one turn. */
  push(input: number, row: unknown, lsn: number): void {
    if (this.state === 'stopped') return;
    if (lsn !== this.turnLsn) {
      this.turnLsn = lsn;
      if (this.rows.length > 0) this.rows = [];
    }
    this.pipeline.push(input, row);
    if (this.pipeline.failure !== null) this.failed(input, row, lsn);
    else if (this.hasTaken) this.accept();
  }

  private accept(): void {
    this.hasTaken = false;
    this.hasGiven = true;
    const given = this.output.accept();
    if (this.downstream.length > 0) for (const row of given) this.rows.push(row);
    this.sides.late?.accept();
  }

  /** What the event gave until then does not count. Operators that took it before the one that threw have it in their state. */
  private failed(input: number, row: unknown, lsn: number): void {
    const { failure } = this.pipeline;
    const { late, deadLetters } = this.sides;
    this.output.drop();
    late?.drop();
    this.hasTaken = false;
    if (deadLetters === null) {
      this.stop(lsn, failure);
      return;
    }
    const { name, columns } = this.inputs[input]!;
    const time = columns.find(({ role }) => role === 'time')!.name;
    try {
      this.pipeline.restart();
      deadLetters.take({ ts: (row as Row)[time], input: name, lsn, error: describe(failure), event: row });
      deadLetters.accept();
      this.hasGiven = true;
    } catch (error) {
      this.stop(lsn, error);
    }
  }

  /** What it gave in the turn of this lsn. */
  rowsOf(lsn: number): readonly unknown[] {
    return this.turnLsn === lsn ? this.rows : NO_ROWS;
  }

  endTurn(lsn: number, isTold: boolean): void {
    if (!(this.hasGiven || this.hearsEveryTurn) || this.turnLsn !== lsn || this.state === 'stopped') return;
    this.hasGiven = false;
    for (const output of this.outputs) output.endTurn(lsn, isTold);
  }

  /** Turns up to before this lsn are through. */
  passed(lsn: number): void {
    if (this.state === 'stopped') return;
    for (const output of this.outputs) output.endGroup();
    this.processedTo = lsn;
  }

  stop(lsn: number, cause: unknown): void {
    if (this.state === 'stopped' || !this.isLoaded) return;
    this.state = 'stopped';
    this.failure = { lsn, cause };
    this.rows = [];
    for (const output of this.outputs) {
      output.drop();
      output.endGroup();
      output.stopped();
    }
    for (const reader of this.downstream) reader.stop(lsn, inputFailed(reader.name, this.name, lsn, cause));
  }

  /** What a checkpoint writes; `null` where it is not at a place from which it could go on. */
  capture(): CapturedDerivation | null {
    if (this.state === 'stopped' || this.state === 'new' || this.turnLsn >= this.processedTo) return null;
    this.pipeline.settle();
    return {
      derivation: this,
      processedTo: this.processedTo,
      states: this.states.map((state) => state.capture()),
      rows: this.outputs.flatMap((output) => output.mark() ?? []),
      swaps: this.wantsSwap,
    };
  }

  /** Whether what was built only has to be brought into force. */
  get wantsSwap(): boolean {
    return this.build !== null && this.state === 'live';
  }

  swapped(): void {
    this.build = null;
    for (const output of this.outputs) output.swapped();
  }

  unsubscribe(): void {
    this.pipeline.unsubscribe();
  }
}
