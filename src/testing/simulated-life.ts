import { lastValueFrom, type Observable } from 'rxjs';
import { describe } from '../errors.js';
import { seededRandom } from '../storage/random.js';
import type { SimulatedStorage, SimulatedStorageOptions } from '../storage/simulated-storage.js';
import type { DerivationStatus } from '../streams/derived/derivation.js';
import type { DerivedStream } from '../streams/derived/derived-stream.js';
import type { TableOptions } from '../streams/derived/options.js';
import type { Table } from '../streams/derived/table.js';
import { Millrace } from '../streams/millrace.js';
import type { MillraceOptions } from '../streams/options.js';
import type { Recorded } from '../streams/reading.js';
import { DurableStream } from '../streams/stream.js';
import { loadHash } from '../wal/hash.js';
import { Driver, Watched } from './driver.js';
import { asynchronousDeclare, invalid } from './misuse.js';
import { SimulatedCompute } from './simulated-compute.js';
import { VirtualClock } from './virtual-clock.js';

/** What a simulated mill may be told; its disk, its clock, its randomness and its thread are simulated. */
export type SimulatedOptions = Omit<MillraceOptions, 'storage' | 'scheduler' | 'random' | 'compute'>;

/** A row of any stream or table. */
export type Row = Readonly<Record<string, unknown>>;

/** What a life is made of. */
export interface LifePlan {
  readonly declare: (mill: Millrace) => unknown;
  readonly options?: SimulatedOptions | undefined;
  readonly seed: number;
  /** What operations of the disk, and jobs, take in milliseconds, but for what is done while the mill starts or is read. */
  readonly latency?: number;
  /** When it begins, in milliseconds since the epoch. */
  readonly start: number;
}

const DIRECTORY = 'mill';
/** Small, as each life has a disk of its own in memory. */
const LOG_FILE_BYTES = 4096;

/** A mill that knows its tables. */
class ObservedMill extends Millrace {
  readonly tables = new Map<string, Table<object>>();

  override table<V extends object>(name: string, options: TableOptions<V>): Table<V> {
    const table = super.table(name, options);
    this.tables.set(name, table as unknown as Table<object>);
    return table;
  }
}

/** Once, before the first life: from then on nothing in a mill waits for anything but its clock. */
export async function prepareLives(): Promise<void> {
  await lastValueFrom(loadHash());
}

/**
 * One life of a mill: from its start on a simulated disk to its close, or to a crash, in which disk, clock and thread go dead. Nothing is
 * unsubscribed then, and no promise of that life is ever settled.
 */
export class SimulatedLife {
  readonly clock: VirtualClock;
  readonly driver: Driver;
  readonly disk: SimulatedStorage;
  readonly mill: Millrace;
  readonly tables: ReadonlyMap<string, Table<object>>;
  readonly sources: readonly DurableStream<Row, object>[];
  readonly derived: readonly DerivedStream<Row>[];
  private readonly begun: { readonly what: string; readonly outcome: Watched<unknown> }[] = [];
  private isHurried = false;

  /** @throws what `declare` throws */
  constructor(makeDisk: (options: SimulatedStorageOptions) => SimulatedStorage, plan: LifePlan) {
    const { declare, options, seed, start, latency = 0 } = plan;
    this.clock = new VirtualClock(start);
    this.driver = new Driver(this.clock);
    this.disk = makeDisk({ scheduler: this.clock, latency: () => (this.isHurried ? 0 : latency) });
    const random = seededRandom(seed);
    const mill = new ObservedMill(DIRECTORY, {
      logFileBytes: LOG_FILE_BYTES,
      ...options,
      storage: this.disk,
      scheduler: this.clock,
      random: { bytes: (length) => Uint8Array.from({ length }, () => Math.floor(random() * 256)) },
      compute: new SimulatedCompute({ scheduler: this.clock, latency }),
    });
    this.mill = mill;
    this.tables = mill.tables;
    const declared = declare(mill);
    if (typeof (declared as PromiseLike<unknown> | undefined)?.then === 'function') throw asynchronousDeclare();
    const streams = mill.streamNames.map((name) => mill.stream(name));
    this.sources = streams.filter((stream) => stream instanceof DurableStream) as DurableStream<Row, object>[];
    this.derived = streams.filter((stream) => !(stream instanceof DurableStream)) as never[];
  }

  get isDead(): boolean {
    return this.disk.dead;
  }

  /** Starts the mill, and waits for what is derived from events that are there. Takes no time by the clock. */
  async begin(): Promise<void> {
    await this.hurried(async () => {
      await this.settled(this.mill.start());
      await this.caughtUp();
    });
  }

  /** The outcome of a promise of this life; never an answer from one that has died. @throws also where it dies before. */
  async settled<T>(promise: Promise<T>): Promise<T> {
    const watched = new Watched(promise);
    await this.until(() => watched.isSettled);
    if (watched.error !== null) throw watched.error;
    return watched.value as T;
  }

  /** Lets time pass, with what happens in it. A time that is past changes nothing, but what is due happens. */
  async advanceTo(time: number): Promise<void> {
    await this.driver.until(() => this.isDead, time);
    if (!this.isDead) this.clock.advanceTo(time);
  }

  /** Remembers what was begun and is not waited for. `what` is for the message, where it fails. */
  watch<T>(what: string, promise: Promise<T>): Watched<T> {
    const outcome = new Watched(promise);
    this.begun.push({ what, outcome });
    return outcome;
  }

  /** @throws MillraceError where something failed that was begun */
  assertWell(): void {
    for (const { what, outcome } of this.begun)
      if (outcome.error !== null) throw invalid(`${what}: ${describe(outcome.error)}`, outcome.error);
  }

  /** Waits for what was begun. @throws as `assertWell` */
  async ended(): Promise<void> {
    await this.until(() => this.begun.every(({ outcome }) => outcome.isSettled));
    this.assertWell();
  }

  /** What is kept of a stream, in order. Takes no time by the clock. */
  recordsOf<T>(stream: Readable<T>): Promise<Recorded<T>[]> {
    return this.hurried(async () => {
      const count = await this.settled(stream.count());
      const records: Recorded<T>[] = [];
      const subscription = stream.records('earliest').subscribe((record) => records.push(record));
      await this.until(() => records.length >= count);
      subscription.unsubscribe();
      return records;
    });
  }

  /** Waits until everything derived is as far as the log. */
  caughtUp(): Promise<void> {
    const isBehind = ({ state }: DerivationStatus) => state === 'new' || state === 'catchingUp';
    return this.hurried(() => this.until(() => !this.mill.metrics().derived.some(isBehind)));
  }

  private async until(isDone: () => boolean): Promise<void> {
    const isOver = await this.driver.until(() => this.isDead || isDone());
    if (this.isDead) throw new Error('this life ended before');
    if (!isOver) throw new Error('it waits for something that never comes');
  }

  private async hurried<T>(work: () => Promise<T>): Promise<T> {
    const before = this.isHurried;
    this.isHurried = true;
    try {
      return await work();
    } finally {
      this.isHurried = before;
    }
  }
}

/** A stream as readers see it. */
interface Readable<T> {
  count(): Promise<number>;
  records(from: 'earliest'): Observable<Recorded<T>>;
}
