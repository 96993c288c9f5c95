import type { UnsavedMark } from '../../snapshots/unsaved.js';
import type { AnyState } from './pipeline.js';

/** Where the rows of a pipeline go: into a stream, or into a table. */
export interface DerivedOutput {
  readonly states: readonly AnyState[];
  /** Whether it is told of turns that gave nothing too. */
  readonly hearsEveryTurn?: boolean;
  /** Takes a row; throws where it does not fit. */
  take(row: unknown): void;
  /** Those that were taken since count; gives them as others see them. */
  accept(): readonly unknown[];
  /** Those that were taken since do not. */
  drop(): void;
  /** All rows of the turn are there. */
  endTurn(lsn: number, isTold: boolean): void;
  /** Turns up to now can be read. */
  endGroup(): void;
  /** How much there is that no checkpoint has, by the name of the stream. */
  mark(): CapturedRows | null;
  /** What was built is there, and takes the place of what was before. */
  swapped(): void;
  /** Nothing of it will be saved any more: it must not keep others waiting. */
  stopped(): void;
}

/** How many rows of a derived stream a checkpoint takes. */
export interface CapturedRows {
  readonly stream: string;
  readonly mark: UnsavedMark;
}

/** Streams beside the rows of a pipeline: events that were too late, and those that made it throw. */
export interface SideOutputs {
  readonly late: DerivedOutput | null;
  readonly deadLetters: DerivedOutput | null;
}
