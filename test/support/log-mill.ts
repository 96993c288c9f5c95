import { setImmediate as turn } from 'node:timers/promises';
import { lastValueFrom } from 'rxjs';
import { seededRandom } from '../../src/storage/random.js';
import { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import { StorageError } from '../../src/storage/storage.js';
import { Millrace } from '../../src/streams/millrace.js';
import { type MillraceOptions, resolveOptions } from '../../src/streams/options.js';
import { float64, type InputOf, key, type Schema, string, timestamp } from '../../src/streams/schema.js';
import { openMill, type RecoveredMill } from '../../src/streams/start.js';
import { SimulatedCompute } from '../../src/testing/simulated-compute.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { type Hash, loadHash } from '../../src/wal/hash.js';
import { logDirectory } from '../../src/wal/log-file.js';

export const DIRECTORY = '/mill';
export const EPOCH = Date.UTC(2024, 0, 1);

export const READINGS = {
  ts: timestamp(),
  device: key(string()),
  value: float64(),
  note: string().optional(),
} satisfies Schema;
export type ReadingInput = InputOf<typeof READINGS>;

/** The hash function; from then on everything that is not delayed by a clock completes synchronously. */
export function hashing(): Promise<Hash> {
  return lastValueFrom(loadHash());
}

/** The path of a participant's current log file. */
export function logPath(participant: number, directory = DIRECTORY): string {
  return `${directory}/${logDirectory(participant)}/current.wal`;
}

/** The path of the file before it, which is there while a checkpoint needs it. */
export function checkpointPath(participant: number, directory = DIRECTORY): string {
  return `${directory}/${logDirectory(participant)}/checkpoint.wal`;
}

/** A mill on a simulated disk, with a clock that goes on only while someone waits. */
export class LogMill {
  readonly clock = new VirtualClock(EPOCH);
  readonly mill: Millrace;

  constructor(
    readonly storage: SimulatedStorage,
    options: MillraceOptions & { readonly seed?: number } = {},
    directory = DIRECTORY,
  ) {
    const { seed = 1, ...rest } = options;
    this.mill = new Millrace(directory, {
      storage,
      scheduler: this.clock,
      random: randomOf(seed),
      logFileBytes: 4096,
      compute: new SimulatedCompute(),
      ...rest,
    });
  }

  /** Waits for a promise and steps the clock as long as that takes. */
  until<T>(promise: Promise<T>): Promise<T> {
    return until(this.clock, promise);
  }

  /** Lets time pass, with what happens in it. */
  async idle(milliseconds: number): Promise<void> {
    const end = this.clock.now() + milliseconds;
    await turn();
    while (this.clock.next !== undefined && this.clock.next <= end) {
      this.clock.step();
      await turn();
    }
    this.clock.advanceTo(end);
  }
}

export async function until<T>(clock: VirtualClock, promise: Promise<T>): Promise<T> {
  let isSettled = false;
  const settled = () => {
    isSettled = true;
  };
  promise.then(settled, settled);
  for (let turns = 0; ; turns++) {
    await turn();
    if (isSettled) return promise;
    if (!clock.step() && turns > 10_000) throw new Error('it waits for something that never comes');
  }
}

export function randomOf(seed: number): { bytes(length: number): Uint8Array } {
  const random = seededRandom(seed);
  return { bytes: (length) => Uint8Array.from({ length }, () => Math.floor(random() * 256)) };
}

/** The outcome of opening: what was recovered, or the error. */
export interface Opened {
  readonly recovered: RecoveredMill | null;
  readonly error: unknown;
}

/** Opens a mill as `start` does, up to the end of recovery and replay, in one go. */
export function openNow(storage: SimulatedStorage, given: MillraceOptions = {}, directory = DIRECTORY): Opened {
  const defaults = { storage, scheduler: new VirtualClock(EPOCH), random: randomOf(9), logFileBytes: 4096 };
  const options = resolveOptions({ ...defaults, ...given });
  let recovered: RecoveredMill | null = null;
  let error: unknown = null;
  openMill(directory, options).subscribe({
    next: (mill) => {
      recovered = mill;
    },
    error: (failure) => {
      error = failure;
    },
  });
  if (recovered === null && error === null) throw new Error('opening did not end');
  return { recovered, error };
}

/** Every file with its bytes. */
export function bytesOf(storage: SimulatedStorage): Map<string, Buffer> {
  return new Map(storage.paths().map((path) => [path, Buffer.from(storage.contents(path))]));
}

export interface SmallMill {
  readonly vgroups: number;
  readonly level: 'sync' | 'flush';
  /** `clean`: closed in order, but for the checkpoint of the close, which fails: else the log would hold the closed mark alone. */
  readonly end: 'clean' | 'unclean';
  /**
   * In one file, which is the default; in two, of which the older one ends behind commit 4, as a checkpoint leaves it whose
   * snapshot cannot be written; or without the first four commits, which a checkpoint has put into a snapshot.
   */
  readonly log?: 'one file' | 'two files' | 'continued';
  readonly seed?: number;
}

/** The devices of the small mill; with four VGroups each has some. */
export const DEVICES = ['a', 'b', 'c', 'd', 'e', 'f'] as const;

/**
 * Writes a small mill with every kind of commit: the opening, one event, events over all VGroups, a declaration together
 * with events, a mark on idle, and two more commits that nothing marks unless the end is clean.
 */
export async function writeSmallMill(about: SmallMill): Promise<SimulatedStorage> {
  const { vgroups, level, end, seed = 1 } = about;
  const storage = new SimulatedStorage({ seed });
  const log = new LogMill(storage, { vgroups, walLevel: level, seed });
  const readings = log.mill.stream('readings', { schema: READINGS });
  await log.until(log.mill.start());
  const event = (device: string, value: number): ReadingInput => ({ ts: EPOCH + value, device, value });
  await log.until(readings.append({ ...event('a', 1), note: 'grün' }));
  await log.until(readings.appendMany(DEVICES.map((device, at) => event(device, 2 + at))));
  const alarms = log.mill.stream('alarms', { schema: { at: timestamp(), level: float64() } });
  const both = [alarms.append({ at: EPOCH, level: 1 }), readings.append(event('b', 9))];
  await log.until(Promise.all(both));
  await checkpointed(log, about);
  await log.idle(1_500);
  await log.until(readings.append(event('c', 10)));
  await log.until(readings.appendMany([event('d', 11), event('a', 12)]));
  if (end === 'clean') await closedWithoutCheckpoint(log);
  return storage.kill();
}

async function checkpointed(mill: LogMill, { log = 'one file' }: SmallMill): Promise<void> {
  if (log === 'one file') return;
  const isToFail = log === 'two files';
  if (isToFail) mill.storage.failAt({ operation: 'open', path: /\.arrow$/, nth: 1, times: Infinity, code: 'EIO' });
  await fails(mill.until(mill.mill.checkpoint()), isToFail);
}

async function closedWithoutCheckpoint(mill: LogMill): Promise<void> {
  mill.storage.failAt({ operation: 'rename', path: /checkpoint\.wal$/, nth: 1, times: Infinity, code: 'EIO' });
  mill.storage.failAt({ operation: 'open', path: /\.arrow$/, nth: 1, times: Infinity, code: 'EIO' });
  await fails(mill.until(mill.mill.close()), true);
}

async function fails(promise: Promise<unknown>, isToFail: boolean): Promise<void> {
  const outcome = await promise.then(
    () => null,
    (error: unknown) => error,
  );
  if (isToFail !== outcome instanceof StorageError)
    throw new Error('the checkpoint ended otherwise', { cause: outcome });
}
