import type { WalLevel } from '../../src/index.js';
import type { Fault, SimulatedStorage } from '../../src/storage/simulated-storage.js';
import type { Storage } from '../../src/storage/storage.js';
import type { Dice } from './simulation-dice.js';
import type { FaultKind } from './simulation-disk.js';
import type { SchemaVersion, StreamKind } from './simulation-events.js';
import type { SimulatedMill } from './simulation-mill.js';
import type { Model } from './simulation-model.js';
import type { Workload } from './simulation-workload.js';

/** How a life of the mill is meant to end: at an operation, after milliseconds of work, at an operation of `close`, or after the work. */
export type PlannedEnd =
  | { readonly how: 'kill' | 'cut'; readonly at?: number; readonly after?: number; readonly whileClosing?: number }
  | { readonly how: 'close' };

export interface PlannedStream {
  readonly kind: StreamKind;
  readonly version: SchemaVersion;
  readonly isLate: boolean;
  readonly retention?: number | undefined;
}

/** One life of a mill: from `start` on to a crash or the end of `close`. */
export interface LifePlan {
  readonly level: WalLevel;
  readonly end: PlannedEnd;
  readonly options: {
    readonly commitEventsMax: number;
    readonly logFileBytes: number;
    readonly appendsWaitingMax: number;
    readonly checkpointInterval: number;
    readonly checkpointBytes: number;
    readonly unsavedBytesMax: number;
    readonly computeLatency: number;
  };
  readonly vgroups: number | undefined;
  readonly streams: readonly PlannedStream[];
  readonly fault: 'none' | 'at start' | 'live' | Fault;
  readonly faults: readonly FaultKind[];
  readonly works: boolean;
  /** Whether there are checkpoints beside that of `close`. */
  readonly hasCheckpoints: boolean;
  /** What is done in place of a drawn workload. */
  readonly script?: (sim: SimulatedMill, workload: Workload) => Promise<void>;
  /** The mill had been closed in order before. */
  readonly isClean: boolean;
}

/** What every life of a trial shares. */
export interface World {
  readonly directory: string;
  readonly dice: Dice;
  readonly model: Model;
  readonly kinds: readonly StreamKind[];
  /** The disk as the mill sees it. */
  readonly seenBy: (disk: SimulatedStorage, phase: () => 'start' | 'live', random: () => number) => Storage;
  readonly tell: (line: string) => void;
}

/** How it ended: the disk's power was cut, the process was killed, it was closed, or it stopped with an error that was allowed. */
export type LifeEnd = 'cut' | 'kill' | 'close' | 'failed';
