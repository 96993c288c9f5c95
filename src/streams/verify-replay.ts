import { lastValueFrom, type Observable, type SchedulerLike } from 'rxjs';
import { MillraceError } from '../errors.js';
import { type Manifest, readManifest } from '../snapshots/manifest.js';
import { FileStorage } from '../storage/file-storage.js';
import { ReadOnlyStorage } from '../storage/read-only-storage.js';
import type { Storage } from '../storage/storage.js';
import { loadHash } from '../wal/hash.js';
import type { LogPlace } from '../wal/rotation.js';
import { systemClock } from './clock.js';
import { LOCK } from './create.js';
import { replay } from './derived/replay/replay.js';
import { replayedMill } from './derived/replay/replayed-mill.js';
import type { ReplayReport } from './derived/replay/report.js';
import { Millrace } from './millrace.js';
import { locked } from './start.js';

/** Declares streams, derived streams and tables, as the program does before `start()`. */
export type Declare = (mill: Millrace) => unknown;

export interface VerifyReplayOptions {
  /** The disk. Default: the real one. */
  readonly storage?: Storage;
  /** The clock. Default: the system's. */
  readonly scheduler?: SchedulerLike;
}

/**
 * Derives all that is derived once more, from the beginning of history, and compares it with what is stored: the rows of derived streams
 * that are in segments, the rows of tables as the last checkpoint has them. It holds the mill's lock meanwhile, and changes nothing.
 * Where a pipeline is not what wrote the rows (its code was changed, or is not deterministic), the first row that differs is named.
 *
 * @param declare the same declarations as those of the program; best a function that both call
 * @throws MillraceError `NOT_A_MILL`, `LOCKED`, `CORRUPT_MANIFEST`, `CORRUPT_SEGMENT`, `CORRUPT_STATE`; SchemaError `SCHEMA_CHANGED`
 * @example
 * const { same, derived } = await verifyReplay('./plant', declarePlant);
 * for (const { name, difference } of derived) if (difference) console.error(name, difference);
 */
export async function verifyReplay(
  directory: string,
  declare: Declare,
  options: VerifyReplayOptions = {},
): Promise<ReplayReport> {
  const { storage = new FileStorage(), scheduler = systemClock() } = options;
  const place = { storage: new ReadOnlyStorage(storage), directory, hash: await lastValueFrom(loadHash()) };
  if ((await done(readManifest(place.storage, directory, place.hash))) === null) throw noMill(directory);
  const lock = await done(storage.lock(`${directory}/${LOCK}`));
  if (lock === null) throw locked(directory);
  try {
    const { manifest } = (await done(readManifest(place.storage, directory, place.hash)))!;
    return await replayIn(place, manifest, declare, scheduler);
  } finally {
    await done(lock.release());
  }
}

/** The same of a mill whose lock the caller holds. */
export async function replayIn(
  place: LogPlace,
  manifest: Manifest,
  declare: Declare,
  scheduler: SchedulerLike = systemClock(),
): Promise<ReplayReport> {
  const mill = new Millrace(place.directory, { storage: place.storage, scheduler });
  await declare(mill);
  const replayed = replayedMill(place, manifest, mill.streams, scheduler);
  try {
    return await lastValueFrom(replay(replayed));
  } finally {
    await done(replayed.store.close());
  }
}

function done<T>(operation: Observable<T>): Promise<T> {
  return lastValueFrom(operation, { defaultValue: undefined as T });
}

function noMill(directory: string): MillraceError {
  const message = `There is no mill in ${directory}: it has no manifest. Give the directory of a mill.`;
  return new MillraceError('NOT_A_MILL', message, { path: directory });
}
