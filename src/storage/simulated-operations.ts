import { Observable, type SchedulerLike, type Subscriber } from 'rxjs';
import type { SimulatedDisk } from './simulated-disk.js';
import { type OperationName, SimulatedFaults } from './simulated-faults.js';
import type { SimulatedFile } from './simulated-file.js';
import { StorageError } from './storage.js';

/** Milliseconds from begin to completion. */
export type Latency = number | ((operation: string, bytes: number, random: () => number) => number);

/** The copy of the disk that a crash leaves, and the way to the copies of the files. */
export interface DiskCopy {
  readonly disk: SimulatedDisk;
  readonly fileOf: (file: SimulatedFile) => SimulatedFile;
}

interface Interruptible {
  /** What an operation leaves on the copy that a crash makes before it completed. */
  readonly cutOff?: (copy: DiskCopy, random: () => number) => void;
}

/** An operation that has begun. It takes effect when it completes, and may take effect in part when it is cut off. */
export interface Operation<T> extends Interruptible {
  readonly name: OperationName;
  readonly paths: readonly string[];
  /** Bytes to move, for the latency. */
  readonly bytes?: number;
  /** The whole effect and the answer, undefined for none. Throws a `StorageError` where the disk says no. */
  readonly effect: () => T;
  /** What it leaves on this disk where it was made to fail. */
  readonly failed?: (random: () => number) => void;
  /** Gives back an answer that nobody took, because the subscriber had left. */
  readonly abandoned?: (answer: T) => void;
}

const HISTORY_LENGTH = 32;

/** Runs operations: counts them, delays them, makes them fail, and stops for ever at a crash. */
export class OperationRunner {
  readonly faults = new SimulatedFaults();
  readonly history: string[] = [];
  begun = 0;
  dead = false;
  readonly #inFlight = new Set<Interruptible>();
  #crashPoint = Infinity;
  #onCrash: (() => void) | undefined;
  #watcher: ((operation: number) => void) | null = null;

  constructor(
    private readonly random: () => number,
    private readonly scheduler: SchedulerLike | undefined,
    private readonly latency: Latency,
  ) {}

  /** `prepare` is called when the operation begins, so it can remember what the operation covers. */
  run<T>(prepare: () => Operation<T>): Observable<T> {
    return new Observable<T>((subscriber) => {
      if (!this.dead) this.#begin(prepare(), subscriber);
    });
  }

  crashAt(operation: number, callback: (() => void) | undefined): void {
    this.#crashPoint = operation;
    this.#onCrash = callback;
  }

  watch(callback: (operation: number) => void): () => void {
    this.#watcher = callback;
    return () => {
      this.#watcher = null;
    };
  }

  /** Called again for another copy: each time what is in flight is cut off anew, by chance. */
  cutOff(copy: DiskCopy, random: () => number): void {
    for (const operation of this.#inFlight) {
      try {
        operation.cutOff?.(copy, random);
      } catch {
        // It would have failed, so it left nothing.
      }
    }
  }

  #begin<T>(operation: Operation<T>, subscriber: Subscriber<T>): void {
    this.begun++;
    this.#remember(operation.name, operation.paths);
    if (this.begun >= this.#crashPoint) {
      this.#crash(operation);
      return;
    }
    if (this.#watcher !== null) this.#show(operation, this.#watcher);
    const fault = this.faults.next(operation.name, operation.paths);
    if (this.scheduler) this.#completeLater(this.scheduler, operation, fault, subscriber);
    else this.#complete(operation, fault, subscriber);
  }

  #show(operation: Interruptible, watcher: (operation: number) => void): void {
    this.#inFlight.add(operation);
    watcher(this.begun);
    this.#inFlight.delete(operation);
  }

  #completeLater<T>(
    scheduler: SchedulerLike,
    operation: Operation<T>,
    fault: string | undefined,
    subscriber: Subscriber<T>,
  ): void {
    const { latency } = this;
    const delay = typeof latency === 'number' ? latency : latency(operation.name, operation.bytes ?? 0, this.random);
    this.#inFlight.add(operation);
    // Not tied to the subscription: a disk does not take back what was asked for.
    scheduler.schedule(() => {
      if (this.dead) return;
      this.#inFlight.delete(operation);
      this.#complete(operation, fault, subscriber);
    }, delay);
  }

  #crash(operation: Interruptible): void {
    this.#inFlight.add(operation);
    this.dead = true;
    this.#onCrash?.();
  }

  #complete<T>(operation: Operation<T>, fault: string | undefined, subscriber: Subscriber<T>): void {
    let answer: T;
    try {
      if (fault !== undefined) {
        operation.failed?.(this.random);
        throw new StorageError(fault, operation.name, operation.paths[0]!, new Error('as the test ordered'));
      }
      answer = operation.effect();
    } catch (error) {
      subscriber.error(error);
      return;
    }
    if (subscriber.closed) operation.abandoned?.(answer);
    else if (answer !== undefined) subscriber.next(answer);
    subscriber.complete();
  }

  #remember(name: string, paths: readonly string[]): void {
    this.history.push(`${this.begun} ${name} ${paths.join(' ')}`);
    if (this.history.length > HISTORY_LENGTH) this.history.shift();
  }
}
