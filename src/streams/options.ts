import { randomFillSync } from 'node:crypto';
import parseDuration from 'parse-duration';
import type { SchedulerLike } from 'rxjs';
import { MillraceError } from '../errors.js';
import type { Compute } from '../snapshots/compute.js';
import { FileStorage } from '../storage/file-storage.js';
import type { Storage } from '../storage/storage.js';
import { FILE_HEADER_BYTES, VGROUPS_MAX } from '../wal/format.js';
import type { WalLevel } from '../wal/record.js';
import { systemClock } from './clock.js';

/** Where random bytes come from: a system source, or a seeded one in a simulation. */
export interface Random {
  bytes(length: number): Uint8Array;
}

export interface MillraceOptions {
  /** When an append resolves. Default `sync`. See docs/guarantees.md. */
  readonly walLevel?: WalLevel;
  /** Into how many hash partitions the keys go, each with its own log: 1 to 63, fixed when the mill is created. Default 1. */
  readonly vgroups?: number;
  /** How often a checkpoint is due: `'1m'`, `'30s'`, or milliseconds. Default `'1m'`. */
  readonly checkpointInterval?: string | number;
  /** A commit is sealed at this many events. Default 65,536. */
  readonly commitEventsMax?: number;
  /** A commit is sealed at about this many bytes. Default 8 MiB. */
  readonly commitBytesMax?: number;
  /** A checkpoint is due, before its interval is over, when events of so many bytes are in no segment yet. Default 32 MiB. */
  readonly checkpointBytes?: number;
  /** Appends wait while events of so many bytes are in no segment yet, which are held in memory. Default 256 MiB. */
  readonly unsavedBytesMax?: number;
  /** Bytes that are prepared for a log file: at least, and where the load asks for more, at most. Defaults 1 MiB and 64 MiB. */
  readonly logFileBytes?: number;
  readonly logFileBytesMax?: number;
  /** How many appends may wait for room before `append` rejects with `FULL`. Default 262,144. */
  readonly appendsWaitingMax?: number;
  /** The disk. Default: the real one. */
  readonly storage?: Storage;
  /** The clock and timers. Default: the system's. */
  readonly scheduler?: SchedulerLike;
  /** Default: the system's. */
  readonly random?: Random;
  /** Where heavy work is done. Default: a worker thread, from a size on at which that is worth it. Not closed with the mill. */
  readonly compute?: Compute;
}

export interface ResolvedOptions extends Required<Omit<MillraceOptions, 'vgroups' | 'checkpointInterval' | 'compute'>> {
  /** `undefined`: as the mill was created with, or 1. */
  readonly vgroups: number | undefined;
  /** Milliseconds. */
  readonly checkpointInterval: number;
  /** `undefined`: one of the mill's own. */
  readonly compute: Compute | undefined;
}

const LEVELS: readonly WalLevel[] = ['off', 'sync', 'flush'];

/** @throws MillraceError `INVALID_OPTION` */
export function resolveOptions(options: MillraceOptions): ResolvedOptions {
  const { walLevel = 'sync', vgroups } = options;
  if (!LEVELS.includes(walLevel)) throw invalid('walLevel', walLevel, `one of ${LEVELS.join(', ')}`);
  if (vgroups !== undefined) wholeNumber('vgroups', vgroups, 1, VGROUPS_MAX);
  return {
    walLevel,
    vgroups,
    checkpointInterval: durationOf('checkpointInterval', options.checkpointInterval ?? '1m'),
    commitEventsMax: wholeNumber('commitEventsMax', options.commitEventsMax ?? 65_536, 1, 1 << 20),
    commitBytesMax: wholeNumber('commitBytesMax', options.commitBytesMax ?? 8 * 1024 * 1024, 1, 256 * 1024 * 1024),
    ...sizes(options),
    appendsWaitingMax: wholeNumber('appendsWaitingMax', options.appendsWaitingMax ?? 262_144, 1, 2 ** 31),
    storage: options.storage ?? new FileStorage(),
    scheduler: options.scheduler ?? systemClock(),
    compute: options.compute,
    random: options.random ?? { bytes: (length) => randomFillSync(new Uint8Array(length)) },
  };
}

const MIB = 1024 * 1024;

function sizes(options: MillraceOptions) {
  const { checkpointBytes = 32 * MIB, logFileBytes = MIB } = options;
  const { unsavedBytesMax = Math.max(256 * MIB, checkpointBytes) } = options;
  const { logFileBytesMax = Math.max(64 * MIB, logFileBytes) } = options;
  return {
    checkpointBytes: wholeNumber('checkpointBytes', checkpointBytes, 1, 2 ** 40),
    unsavedBytesMax: wholeNumber('unsavedBytesMax', unsavedBytesMax, checkpointBytes, 2 ** 40),
    logFileBytes: wholeNumber('logFileBytes', logFileBytes, FILE_HEADER_BYTES, 1 << 30),
    logFileBytesMax: wholeNumber('logFileBytesMax', logFileBytesMax, logFileBytes, 1 << 30),
  };
}

/** Milliseconds of `'1m'`, `'1h30m'` or a number of milliseconds. @throws MillraceError `INVALID_OPTION` */
export function durationOf(name: string, value: string | number): number {
  const milliseconds = typeof value === 'number' ? value : parseDuration(value);
  if (milliseconds === null || !Number.isFinite(milliseconds) || milliseconds <= 0) {
    throw invalid(name, value, "a duration such as '30s', '1m' or '1h30m', or a number of milliseconds above 0");
  }
  return milliseconds;
}

function wholeNumber(name: string, value: number, min: number, max: number): number {
  if (!Number.isInteger(value) || value < min || value > max)
    throw invalid(name, value, `a whole number from ${min} to ${max}`);
  return value;
}

function invalid(name: string, value: unknown, expected: string): MillraceError {
  return new MillraceError(
    'INVALID_OPTION',
    `Option ${name} must be ${expected}, not ${JSON.stringify(value) ?? String(value)}.`,
  );
}
