import type { SchedulerLike } from 'rxjs';
import type { MillraceError } from '../errors.js';
import type { Commit } from './commit.js';
import type { Hash } from './hash.js';
import type { LogSet } from './log-set.js';
import type { WalLevel } from './record.js';

export interface WriterOptions {
  readonly level: WalLevel;
  /** A commit is full at this many events. */
  readonly commitEventsMax: number;
  /** A commit is full at about this many bytes. */
  readonly commitBytesMax: number;
}

/** Where the log stands when the writer takes it over. */
export interface WriterStart {
  readonly commit: number;
  readonly nextLsn: number;
  /** Lsns above it need a record first. */
  readonly ceiling: number;
}

export interface WriterContext {
  readonly logs: LogSet;
  readonly hash: Hash;
  readonly scheduler: SchedulerLike;
  /** Takes each commit, in order, once it is as safe as the level promises. Never called while it runs. */
  readonly apply: (commit: Commit) => void;
  /** Whether appends must wait for something else than the commit that fills; `admission.admit` when that is over. */
  readonly holdsBack: () => boolean;
  /** Called once, when a failure ends the writing for good. */
  readonly poisoned?: (failure: MillraceError) => void;
}
