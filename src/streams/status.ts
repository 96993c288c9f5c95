import type { MillraceError } from '../errors.js';
import type { CheckpointEvent } from '../operators/checkpoint-report.js';
import { COUNTERS } from '../operators/stateful/counters.js';
import type { LatencySummary } from '../wal/metrics.js';
import type { LogCut, LogRecovery } from '../wal/recovery.js';
import type { Derivation, DerivationStatus } from './derived/derivation.js';
import type { LiveMill } from './live.js';

/** What a mill is doing. */
export type MillStatus =
  | { readonly state: 'new' | 'starting' | 'closed' }
  /** `checkpoint` is the last thing that happened to a checkpoint: it started, a step of it ended, it completed or failed. */
  | { readonly state: 'live' | 'closing'; readonly checkpoint?: CheckpointEvent }
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
  /** Bytes of events that are in no segment yet. They are held in memory; a crash now would have to replay them. */
  readonly unsavedBytes: number;
  /** Merges of segments that were made, those that failed, and why the last one did. One that fails is tried again later. */
  readonly merges: { readonly made: number; readonly failed: number; readonly failure: unknown };
  /** Derived streams and tables: what each is doing, and how many entries its operators keep. */
  readonly derived: readonly DerivedMetrics[];
  /** Segments, and their bytes. */
  readonly segments: { readonly count: number; readonly bytes: number };
  /** The last commit that was applied, and the last that is known to be durable in every log file. */
  readonly commit: number;
  readonly durableCommit: number;
  /** The lsn after the last event that was applied. */
  readonly nextLsn: number;
}

export interface DerivedMetrics extends DerivationStatus {
  readonly name: string;
  /** Entries by the name of the state: `0-fold/folded`. */
  readonly states: Readonly<Record<string, number>>;
  /** What operators count since the pipeline was new, such as events that came too late: `0-asOfJoin/lateLeft`. */
  readonly counters: Readonly<Record<string, number>>;
}

function derivedMetrics({ name, status, states }: Derivation): DerivedMetrics {
  const sizes: [string, number][] = [];
  const counters: [string, number][] = [];
  for (const state of states) {
    const path = state.name.slice(name.length + 1);
    const operator = path.endsWith(`/${COUNTERS}`) ? path.slice(0, -COUNTERS.length - 1) : null;
    if (operator === null) sizes.push([path, state.size]);
    else for (const [counter, [count]] of state) counters.push([`${operator}/${counter}`, count]);
  }
  return { name, ...status, states: Object.fromEntries(sizes), counters: Object.fromEntries(counters) };
}

export function metricsOf({ writer, apply, unsaved, store, derivations, checkpointing }: LiveMill): MillMetrics {
  const { events, commits, commitsRejected, bytes, latency } = writer.metrics;
  return {
    events,
    commits,
    commitsRejected,
    bytes,
    commitLatency: latency,
    queue: { filling: writer.filling.events, waiting: writer.admission.waitingCount },
    logBytes: writer.logs.bytes,
    unsavedBytes: unsaved.bytesInAll,
    merges: { ...checkpointing.merges },
    derived: derivations.all.map(derivedMetrics),
    segments: { count: store.entries.length, bytes: store.bytes },
    commit: apply.commit,
    durableCommit: writer.logs.durable,
    nextLsn: apply.nextLsn,
  };
}
