import type { MillraceError } from '../errors.js';
import type { LatencySummary } from '../wal/metrics.js';
import type { LogCut, LogRecovery } from '../wal/recovery.js';
import type { LogWriter } from '../wal/writer.js';
import type { Apply } from './apply.js';

/** What a mill is doing. */
export type MillStatus =
  | { readonly state: 'new' | 'starting' | 'live' | 'closing' | 'closed' }
  /** A sync failed, or a failed write could not be cut out: nothing more is written until a restart. Reads go on. */
  | { readonly state: 'poisoned'; readonly failure: MillraceError };

/** What `start` found. */
export interface Recovery {
  /** The mill was new or had been closed in order, and nothing was cut. */
  readonly clean: boolean;
  /** Commits and events that were found whole and replayed. */
  readonly commits: number;
  readonly events: number;
  /** What was written but never promised, and is cut now. A copy is kept in the mill's folder `cut`. */
  readonly cut: LogCut;
  /** The next event gets this lsn or a higher one. */
  readonly nextLsn: number;
  /** How long `start` took, in milliseconds. */
  readonly duration: number;
}

export function recoveryOf({ clean, commits, events, cut, nextLsn }: LogRecovery, duration: number): Recovery {
  return { clean, commits, events, cut, nextLsn, duration };
}

/** Counts since `start`. */
export interface MillMetrics {
  readonly events: number;
  readonly commits: number;
  /** Commits that could not be written; their events were rejected. */
  readonly commitsRejected: number;
  /** Bytes of frames written. */
  readonly bytes: number;
  /** From handing a commit to the disk to its being as safe as the level promises, in milliseconds. */
  readonly commitLatency: LatencySummary;
  /** Events in the commit that is filling, and callers that wait for room. */
  readonly queue: { readonly filling: number; readonly waiting: number };
  /** Bytes of the log files in use. */
  readonly logBytes: number;
  /** The last commit that was applied, and the last that is known to be durable in every log file. */
  readonly commit: number;
  readonly durableCommit: number;
  /** The lsn after the last event that was applied. */
  readonly nextLsn: number;
}

export function metricsOf(writer: LogWriter, apply: Apply): MillMetrics {
  const { events, commits, commitsRejected, bytes, latency } = writer.metrics;
  return {
    events,
    commits,
    commitsRejected,
    bytes,
    commitLatency: latency,
    queue: { filling: writer.filling.events, waiting: writer.admission.waitingCount },
    logBytes: writer.logs.bytes,
    commit: apply.commit,
    durableCommit: writer.logs.durable,
    nextLsn: apply.nextLsn,
  };
}
