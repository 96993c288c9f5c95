import { from, type ObservableInput, type Subscriber } from 'rxjs';
import type { OperatorHome } from '../pipeline-scope.js';
import { type InputHandlers, InputSubscriber } from './input-subscriber.js';

/**
 * A part of a pipeline with inputs of its own: what an operator subscribes to beside its source. In each turn the rows of its inputs
 * come before those of the part that it is beside.
 */
export interface InputBranch {
  /** The path of the operator that it belongs to; empty for the part that ends with the pipeline's rows. */
  readonly path: string;
  /** How many parts it is beside, one in the other. */
  readonly depth: number;
}

export const MAIN_BRANCH: InputBranch = { path: '', depth: 0 };

let isSide = false;
let branch = MAIN_BRANCH;

/**
 * Subscribes to an input whose values are kept for those of another one: what it has at first may come before the first turn, as
 * no row follows from it.
 */
export function subscribeToSide(
  input: ObservableInput<unknown>,
  rows: Subscriber<never>,
  handlers: InputHandlers<unknown>,
): void {
  const outer = isSide;
  isSide = true;
  try {
    from(input).subscribe(new InputSubscriber(rows, handlers));
  } finally {
    isSide = outer;
  }
}

/** The part of an operator's inputs beside the one that is being subscribed to. */
export function branchOf({ path = '' }: OperatorHome): InputBranch {
  return { path, depth: branch.depth + 1 };
}

/** The same for an input whose values of a turn must be there when the source's come, whatever was declared first. */
export function subscribeFirst(
  inner: InputBranch,
  input: ObservableInput<unknown>,
  rows: Subscriber<never>,
  handlers: InputHandlers<unknown>,
): void {
  const outer = branch;
  branch = inner;
  try {
    subscribeToSide(input, rows, handlers);
  } finally {
    branch = outer;
  }
}

/** Whether what is being subscribed to is such an input. */
export function isSideInput(): boolean {
  return isSide;
}

/** The part of the pipeline that is being subscribed to. */
export function currentBranch(): InputBranch {
  return branch;
}
