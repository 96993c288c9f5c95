import type { StateKey } from '../../../snapshots/state-key.js';
import type { Row } from '../../row-codec.js';
import type { Comparable } from './cuts.js';

/** The first row of a stream that is not what its pipeline gives. */
export interface RowDifference {
  readonly kind: 'row';
  readonly lsn: number;
  readonly index: number;
  /** `null` where there is none: it is missing. */
  readonly stored: Row | null;
  /** `null` where the pipeline gives none: the stored one is one too many. */
  readonly derived: Row | null;
}

/** A key of a table whose row is not what its pipeline gives. */
export interface KeyDifference {
  readonly kind: 'key';
  readonly key: StateKey;
  /** `undefined` where there is none. */
  readonly stored: unknown;
  readonly derived: unknown;
}

/** The pipeline threw at an event that it had processed. */
export interface Failure {
  readonly kind: 'failure';
  readonly lsn: number;
  readonly cause: unknown;
}

export type Difference = RowDifference | KeyDifference | Failure;

/** A derived stream, a side stream or a table, compared with what its pipeline gives. */
export interface Replayed {
  readonly name: string;
  readonly kind: 'stream' | 'table';
  /** What events below this lsn gave was looked at. */
  readonly processedTo: number;
  /** Rows, or keys of a table, that are as they should be. */
  readonly equal: number;
  readonly comparable: Comparable;
  /** The first one; `null` for none. */
  readonly difference: Difference | null;
  /** Of the streams that it reads, those that were built anew as another version: rows that come from an older one stay. */
  readonly readsRebuilt: readonly string[];
}

/** `new`: it is not in the mill yet. `version`: the mill has another version, or builds the declared one. `undeclared`: only the mill has it. */
export interface NotReplayed {
  readonly name: string;
  readonly why: 'new' | 'version' | 'undeclared';
}

/** What a replay found. */
export interface ReplayReport {
  /** Whether no difference was found. */
  readonly same: boolean;
  /** In the order of declaration. */
  readonly derived: readonly Replayed[];
  readonly notReplayed: readonly NotReplayed[];
}
