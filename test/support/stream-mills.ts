import { asapScheduler, type Observable, type SchedulerLike, Subscription } from 'rxjs';
import {
  float64,
  type InputOf,
  key,
  Millrace,
  type MillraceError,
  type MillraceOptions,
  type RowOf,
  type Schema,
  string,
  timestamp,
} from '../../src/index.js';
import { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import type { DurableStream } from '../../src/streams/stream.js';
import { SimulatedCompute } from '../../src/testing/simulated-compute.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';

export const readingSchema = { ts: timestamp(), device: key(string()), value: float64() };
export type ReadingRow = RowOf<typeof readingSchema>;

/** The n-th reading; its value says which one it is. */
export function reading(n: number, device = `d${n % 7}`): ReadingRow {
  return { ts: 1_700_000_000_000 + n, device, value: n };
}

export function readingsOf(count: number, first = 0): ReadingRow[] {
  return Array.from({ length: count }, (_, at) => reading(first + at));
}

const mills = new Map<Millrace, SimulatedStorage>();

/**
 * A mill on a disk in memory, closed after the test. Every operation of the disk and every job completes at once, or as the
 * options say.
 */
export function newMill(options: MillraceOptions & { storage?: SimulatedStorage } = {}): Millrace {
  const { storage = new SimulatedStorage() } = options;
  const mill = new Millrace('/mill', { logFileBytes: 4096, compute: new SimulatedCompute(), ...options, storage });
  mills.set(mill, storage);
  return mill;
}

afterEach(async () => {
  const made = [...mills];
  mills.clear();
  // On a disk that has crashed nothing ever ends.
  for (const [mill, storage] of made) if (!storage.dead) await mill.close().catch(() => {});
});

/** A started mill with one stream, `readings`, of the schema given or `readingSchema`. */
export async function startedMill<S extends Schema = typeof readingSchema>(
  options: Parameters<typeof newMill>[0] = {},
  schema?: S,
): Promise<{ mill: Millrace; readings: DurableStream<RowOf<S>, InputOf<S>> }> {
  const mill = newMill(options);
  const readings = mill.stream('readings', { schema: schema ?? (readingSchema as unknown as S) });
  await mill.start();
  return { mill, readings };
}

/** A disk that is not synchronous, yet needs no timers: each operation completes a few microtasks later. */
export function asynchronousDisk(): SimulatedStorage {
  return new SimulatedStorage({ scheduler: asapScheduler });
}

/** A disk whose operations each take a turn of the event loop, as those of a real one do. */
export function turningDisk(): SimulatedStorage {
  const schedule = (work: (state: unknown) => void, _delay: number, state: unknown): Subscription => {
    setImmediate(() => work(state));
    return new Subscription();
  };
  return new SimulatedStorage({ scheduler: { now: () => 0, schedule } as unknown as SchedulerLike });
}

/** A disk that does nothing until it is told to. */
export class HeldDisk {
  private readonly clock = new VirtualClock();
  readonly storage = new SimulatedStorage({ scheduler: this.clock });

  /** Lets the disk work until the promise is settled, and gives its outcome. */
  async until<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const settled = () => {
      isSettled = true;
    };
    promise.then(settled, settled);
    while (!isSettled) {
      this.clock.step();
      await tick();
    }
    return promise;
  }

  /** Lets the disk end what it has to do. */
  async rest(): Promise<void> {
    do await tick();
    while (this.clock.step());
  }

  /** Lets the next operation complete. */
  async step(): Promise<boolean> {
    await tick();
    return this.clock.step();
  }
}

/** Everything that waits to run now has run afterwards. */
export const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** The error that a promise rejects with. */
export async function failure(promise: Promise<unknown>): Promise<MillraceError> {
  const error = await promise.then(
    (value) => new Error(`it did not fail, but gave ${JSON.stringify(value)}`),
    (reason: unknown) => ({ reason }),
  );
  if (error instanceof Error) throw error;
  return error.reason as MillraceError;
}

/** The error that a call throws. */
export function thrown(call: () => unknown): MillraceError {
  let value: unknown;
  try {
    value = call();
  } catch (error) {
    return error as MillraceError;
  }
  throw new Error(`it did not throw, but gave ${String(value)}`);
}

/** Takes the first so many values of an (async) iterable, then breaks off. */
export async function take<T>(iterable: AsyncIterable<T>, count: number): Promise<T[]> {
  const taken: T[] = [];
  if (count === 0) return taken;
  for await (const value of iterable) if (taken.push(value) === count) break;
  return taken;
}

/** What an Observable has emitted so far, and how it ended. */
export function watch<T>(source: Observable<T>): {
  values: T[];
  error: unknown;
  state: 'open' | 'completed' | 'failed';
} {
  const seen = { values: [] as T[], error: undefined as unknown, state: 'open' as 'open' | 'completed' | 'failed' };
  source.subscribe({
    next: (value) => seen.values.push(value),
    error: (error) => Object.assign(seen, { error, state: 'failed' }),
    complete: () => Object.assign(seen, { state: 'completed' }),
  });
  return seen;
}
