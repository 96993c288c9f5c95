import type { TeardownLogic } from 'rxjs';
import { currentBranch, type InputBranch, isSideInput, MAIN_BRANCH } from '../../operators/stateful/side-input.js';
import type { ColumnLayout } from '../../wal/column.js';

/** A stream of the mill as a pipeline reads it. */
export interface PipelineStream {
  readonly name: string;
  readonly columns: readonly ColumnLayout[];
  /** Whether it is one of late events or dead letters. */
  readonly isSide?: boolean;
}

/** The internal stream of ticks. */
export const TICKS = '$ticks';

/** Takes the rows of a stream: what subscribed to it, or an operator that takes ticks. */
export interface Reader {
  next(row: unknown): void;
  /** Calls back when it wants no more. */
  add(teardown: TeardownLogic): void;
}

/** An operator whose source is being subscribed to. */
interface Reading {
  readonly isSide: boolean;
  readonly path: string;
  readonly inputs: number[];
}

/**
 * What a pipeline reads: streams, in the order in which it subscribed to them. A stream that several parts of a pipeline subscribe to, such as
 * both sides of a join, is an input for each: in a turn the parts have its row one after the other.
 */
export class PipelineInputs {
  readonly streams: PipelineStream[] = [];
  /** The part that each is an input of. */
  private readonly branches: InputBranch[] = [];
  private readers: Reader[][] = [];
  private readonly reading: Reading[] = [];

  add(stream: PipelineStream, reader: Reader): void {
    const { path } = currentBranch();
    let at = this.streams.findIndex((other, input) => other === stream && this.branches[input]!.path === path);
    if (at < 0) {
      at = this.streams.push(stream) - 1;
      this.branches.push(currentBranch());
      this.readers.push([]);
    }
    for (const { inputs, ...where } of this.reading)
      if (where.path === path && where.isSide === isSideInput() && !inputs.includes(at)) inputs.push(at);
    this.readers[at]!.push(reader);
    reader.add(() => {
      this.readers[at] = this.readers[at]!.filter((other) => other !== reader);
    });
  }

  /** Nobody reads: the pipeline will be subscribed to again. */
  clear(): void {
    this.readers = this.readers.map(() => []);
  }

  readersOf(input: number): readonly Reader[] {
    return this.readers[input]!;
  }

  /** Rows of a turn come first to the inputs that have the most parts beside them. */
  depthOf(input: number): number {
    return this.branches[input]!.depth;
  }

  /** Runs what subscribes to streams; gives the numbers of those that are not side inputs to it. */
  during(subscribe: () => void): readonly number[] {
    const inputs: number[] = [];
    this.reading.push({ isSide: isSideInput(), path: currentBranch().path, inputs });
    try {
      subscribe();
    } finally {
      this.reading.pop();
    }
    return inputs;
  }

  /** The streams that a part of the pipeline reads, without ticks. */
  of(branch: InputBranch = MAIN_BRANCH): readonly PipelineStream[] {
    return this.streams.filter(({ name }, input) => this.branches[input]!.path === branch.path && name !== TICKS);
  }
}
