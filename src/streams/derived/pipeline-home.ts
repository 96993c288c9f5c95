import type { OperatorHome } from '../../operators/pipeline-scope.js';
import type { InputBranch } from '../../operators/stateful/side-input.js';
import type { KeyedState } from '../../snapshots/keyed-state.js';
import type { StateCodec, Values } from '../../snapshots/state-codec.js';
import type { StateKey } from '../../snapshots/state-key.js';
import type { Pipeline } from './pipeline.js';

/** What the pipeline of a derived stream or table is to one of its operators. */
export class PipelineHome implements OperatorHome {
  private readonly numbers: number[] = [];

  constructor(
    private readonly pipeline: Pipeline,
    readonly path: string,
    private readonly branch: InputBranch,
    readonly isKeptAfter: boolean,
  ) {}

  keyed<K extends StateKey, V, A extends Values>(
    part: string,
    codec: StateCodec<V, A>,
    isIndexed = true,
  ): KeyedState<K, V, A> {
    return this.pipeline.state(`${this.path}/${part}`, codec, isIndexed);
  }

  whenLoaded(callback: () => void): void {
    this.pipeline.whenLoaded.push(callback);
  }

  beforeSave(callback: () => void): void {
    this.pipeline.beforeSave.push(callback);
  }

  onTick(callback: (now: number) => void): void {
    this.pipeline.onTick(this.path, callback);
  }

  wantTick(at: number): void {
    this.pipeline.wantTick(this.path, at);
  }

  sideOfLate(): (event: unknown, time: number) => void {
    const { pipeline } = this;
    pipeline.hasLate = true;
    return (event, time) => pipeline.sink.late(event, time);
  }

  readFrom(subscribe: () => void): void {
    this.numbers.push(...this.pipeline.reads.during(subscribe));
  }

  get inputs(): number {
    return this.numbers.length;
  }

  get input(): number {
    return this.numbers.indexOf(this.pipeline.turnInput);
  }

  get timeColumn(): string | null {
    return this.timeColumnOf(this.branch);
  }

  /** Where all streams have it under the same name. */
  timeColumnOf(branch: InputBranch): string | null {
    const inputs = this.pipeline.reads.of(branch);
    const names = new Set(inputs.map(({ columns }) => columns.find(({ role }) => role === 'time')!.name));
    return names.size === 1 ? [...names][0]! : null;
  }
}
