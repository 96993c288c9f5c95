import type { Observable, SchedulerLike } from 'rxjs';
import { PowerCut } from './power-cut.js';
import { seededRandom } from './random.js';
import { normalize, SimulatedDisk } from './simulated-disk.js';
import type { Fault, OperationName } from './simulated-faults.js';
import type { SimulatedFile } from './simulated-file.js';
import { SimulatedHandle } from './simulated-handle.js';
import { SimulatedLock } from './simulated-lock.js';
import { type DiskCopy, type Latency, OperationRunner } from './simulated-operations.js';
import type { OpenOptions, Storage, StorageFile, StorageLock } from './storage.js';

export type { Fault, OperationName } from './simulated-faults.js';
export type { Latency } from './simulated-operations.js';

export interface SimulatedStorageOptions {
  /** Everything that happens by chance follows from it. 0 by default. */
  readonly seed?: number;
  /** Operations complete by this clock, after `latency`. Without one they complete synchronously. */
  readonly scheduler?: SchedulerLike;
  /** Milliseconds, or a function that gives them for an operation and its bytes. 0 by default. */
  readonly latency?: Latency;
  /** The bytes that all files together may hold. Without limit by default. */
  readonly capacity?: number;
}

/**
 * A disk in memory that can be crashed. It forgets what was not synced, tears writes and fails on command, and does the same
 * for the same seed and calls.
 *
 * What a sync means: `sync` makes a file's contents and length durable as they were when it began; a name (created, renamed,
 * removed) is durable only after `syncDirectory` of its directory. A sync that was made to fail marks what it covered as
 * clean: still readable, but no later sync saves it (a failed `syncDirectory` changes nothing and may be tried again).
 *
 * After `crash`, `kill` or `crashAt` this storage is dead: what is pending, and every later operation, never completes.
 *
 * @example
 * const storage = new SimulatedStorage({ seed: 7 });
 * const appended = appendEvents(storage);      // the code under test
 * const after = storage.crash();               // the disk after a power cut
 * expect(recover(after)).toEqual(appended);
 */
export class SimulatedStorage implements Storage {
  readonly #options: SimulatedStorageOptions;
  readonly #random: () => number;
  readonly #disk: SimulatedDisk;
  readonly #runner: OperationRunner;
  readonly #locks = new Set<SimulatedFile>();
  #capacity: number;
  #openFiles = 0;

  /** The second argument is for `crash` and `kill`. */
  constructor(options: SimulatedStorageOptions = {}, disk: SimulatedDisk = new SimulatedDisk()) {
    this.#options = options;
    this.#random = seededRandom(options.seed ?? 0);
    this.#disk = disk;
    this.#runner = new OperationRunner(this.#random, options.scheduler, options.latency ?? 0);
    this.#capacity = options.capacity ?? Infinity;
  }

  /** Operations begun so far, those of open files and locks too. The first is number 1. */
  get operations(): number {
    return this.#runner.begun;
  }

  /** The last operations with their numbers and paths, for a failure's message. */
  get history(): readonly string[] {
    return this.#runner.history;
  }

  /** Whether it has crashed. */
  get dead(): boolean {
    return this.#runner.dead;
  }

  /** Files that were opened and not yet closed. */
  get openFiles(): number {
    return this.#openFiles;
  }

  open(path: string, options: OpenOptions = {}): Observable<StorageFile> {
    const { create = false, readOnly = false } = options;
    const find = (disk: SimulatedDisk) =>
      create && !readOnly ? disk.fileOrCreate(path, 'open') : disk.file(path, 'open');
    return this.#runner.run<StorageFile>(() => ({
      ...onNames('open', [path], find),
      effect: () => this.#handle(path, find(this.#disk), readOnly),
      abandoned: () => this.#openFiles--,
    }));
  }

  list(directory: string): Observable<readonly string[]> {
    return this.#names('list', [directory], (disk) => disk.list(directory));
  }

  makeDirectory(path: string): Observable<void> {
    return this.#names('makeDirectory', [path], (disk) => disk.makeDirectory(path));
  }

  rename(from: string, to: string): Observable<void> {
    return this.#names('rename', [from, to], (disk) => disk.rename(from, to));
  }

  remove(path: string): Observable<void> {
    return this.#names('remove', [path], (disk) => disk.remove(path));
  }

  syncDirectory(path: string): Observable<void> {
    return this.#runner.run<void>(() => {
      const mark = this.#disk.mark();
      const act = (disk: SimulatedDisk) => disk.syncDirectory(path, mark);
      return { ...onNames('syncDirectory', [path], act), effect: () => act(this.#disk) };
    });
  }

  lock(path: string): Observable<StorageLock | null> {
    const find = (disk: SimulatedDisk) => disk.fileOrCreate(path, 'lock');
    return this.#runner.run<StorageLock | null>(() => ({
      ...onNames('lock', [path], find),
      effect: () => this.#lock(path, find(this.#disk)),
      abandoned: (lock) => (lock as SimulatedLock | null)?.free(),
    }));
  }

  /**
   * Cuts the power: this storage is dead, and what the disk kept is returned as a new one. Of what was not synced, each write
   * is kept, dropped, torn or garbled by chance; a directory keeps a prefix of its changes. Called again, it gives another
   * outcome of the same moment. Ordered faults do not pass over; `options` override those of this storage.
   */
  crash(options: SimulatedStorageOptions = {}): SimulatedStorage {
    return this.#end(options, ({ disk }) => disk.cutPower(new PowerCut(this.#random)));
  }

  /** Kills the process: as `crash`, but the system's memory stays, so nothing that completed is lost before a later `crash`. */
  kill(options: SimulatedStorageOptions = {}): SimulatedStorage {
    return this.#end(options, () => {});
  }

  /**
   * Dies at the operation of this number (or the next one, where it is past): it takes effect in part, by chance, and never
   * completes. `callback` is called synchronously then. `crash` or `kill` afterwards give the disk.
   */
  crashAt(operation: number, callback?: () => void): void {
    this.#runner.crashAt(operation, callback);
  }

  /**
   * Calls back at each operation with its number, when it has begun and nothing of it is done: `fork` gives then what a crash at this
   * operation would leave. Returns a function that ends it.
   */
  onOperation(callback: (operation: number) => void): () => void {
    return this.#runner.watch(callback);
  }

  /** What `crash` or `kill` would leave, while this storage goes on. What happens by chance follows from `seed` alone. */
  fork(how: 'crash' | 'kill', seed: number, options: SimulatedStorageOptions = {}): SimulatedStorage {
    const random = seededRandom(seed);
    return this.#copy(options, random, ({ disk }) => {
      if (how === 'crash') disk.cutPower(new PowerCut(random));
    });
  }

  /** Makes operations fail. A write that fails may have written a part. Returns a function that lifts the fault. */
  failAt(fault: Fault): () => void {
    return this.#runner.faults.add(fault);
  }

  /** The bytes that all files together may hold: a write that needs more is cut short and fails with `ENOSPC`. */
  setCapacity(bytes: number): void {
    this.#capacity = bytes;
  }

  /** The files that a program sees, sorted. */
  paths(): string[] {
    return this.#disk.files().map(([path]) => path);
  }

  /** A copy of what a reader sees, also of a dead storage. */
  contents(path: string): Uint8Array {
    const file = this.#disk.file(path, 'contents');
    return file.bytes.read(0, file.length);
  }

  /** Gives a file other contents, durable at once. Where it is missing it is made, with its directories. */
  replace(path: string, bytes: Uint8Array): void {
    this.#disk.durableFile(path).replace(bytes);
  }

  /** Latent corruption: flips bits of a byte, in what is read and on the disk. */
  flip(path: string, offset: number, mask = 1): void {
    const file = this.#disk.file(path, 'flip');
    if (offset >= file.length) throw new RangeError(`flip ${path}: ${offset} is past the end, ${file.length}`);
    file.flip(offset, mask);
  }

  #names<T>(name: OperationName, paths: readonly string[], act: (disk: SimulatedDisk) => T): Observable<T> {
    return this.#runner.run<T>(() => ({ ...onNames(name, paths, act), effect: () => act(this.#disk) }));
  }

  #handle(path: string, file: SimulatedFile, readOnly: boolean): StorageFile {
    this.#openFiles++;
    const onClose = () => {
      this.#openFiles--;
    };
    const room = () => (this.#capacity === Infinity ? Infinity : this.#capacity - this.#disk.totalBytes());
    return new SimulatedHandle({ path, file, readOnly, runner: this.#runner, room, onClose });
  }

  #lock(path: string, file: SimulatedFile): StorageLock | null {
    if (this.#locks.has(file)) return null;
    this.#locks.add(file);
    return new SimulatedLock(path, this.#runner, () => this.#locks.delete(file));
  }

  #end(options: SimulatedStorageOptions, act: (copy: DiskCopy) => void): SimulatedStorage {
    this.#runner.dead = true;
    return this.#copy(options, this.#random, act);
  }

  #copy(options: SimulatedStorageOptions, random: () => number, act: (copy: DiskCopy) => void): SimulatedStorage {
    const copy = this.#disk.clone();
    this.#runner.cutOff(copy, random);
    act(copy);
    const seed = Math.floor(random() * 2 ** 32);
    return new SimulatedStorage({ ...this.#options, capacity: this.#capacity, seed, ...options }, copy.disk);
  }
}

/** Cut off, it happened as a whole or not at all. */
function onNames(name: OperationName, paths: readonly string[], act: (disk: SimulatedDisk) => unknown) {
  return {
    name,
    paths: paths.map(normalize),
    cutOff: ({ disk }: DiskCopy, random: () => number) => {
      if (random() < 0.5) act(disk);
    },
  };
}
