import { BehaviorSubject, lastValueFrom, type Observable, tap } from 'rxjs';
import type { MillraceError } from '../errors.js';
import type { CheckpointEvent, CheckpointReport } from '../operators/checkpoint-report.js';
import { closeMill } from './close.js';
import type { DerivedStream } from './derived/derived-stream.js';
import type { DerivedOptions, DerivedSchemaOptions, TableOptions } from './derived/options.js';
import type { Table } from './derived/table.js';
import { type FingerprintOptions, fingerprint } from './fingerprint.js';
import { toldAsUnread } from './history/unread.js';
import type { LiveMill } from './live.js';
import { alreadyStarted, badDirectory, closed, couldNotOpen, notStarted } from './misuse.js';
import { openLive } from './open-live.js';
import { durationOf, type MillraceOptions, type ResolvedOptions, resolveOptions } from './options.js';
import { type AnyStream, StreamRegistry } from './registry.js';
import type { InputOf, RowOf, Schema } from './schema.js';
import { type MillMetrics, type MillStatus, metricsOf, type Recovery, recoveryOf } from './status.js';
import type { DurableStream, StreamHost } from './stream.js';

export interface StreamOptions<S extends Schema> {
  readonly schema: S;
  /**
   * How long events are kept, by event time: `'30d'`, or milliseconds. They go in whole partitions of event time, with a
   * checkpoint: at `'30d'` a day at a time. Default: for ever. Not remembered: a start without it keeps what there is.
   */
  readonly retention?: string | number;
}

/**
 * An open database directory: durable streams and what is derived from them. One process at a time holds it.
 *
 * @example
 * const mill = new Millrace('./plant', { walLevel: 'sync' });
 * const readings = mill.stream('readings', { schema: { ts: timestamp(), device: key(string()), temperature: float64() } });
 * await mill.start();
 * await readings.append({ ts: Date.now(), device: 'a7', temperature: 21.5 });
 * await mill.close();
 */
export class Millrace implements AsyncDisposable {
  private readonly options: ResolvedOptions;
  /** @internal */
  readonly streams: StreamRegistry;
  private readonly statusSubject = new BehaviorSubject<MillStatus>({ state: 'new' });
  private live: LiveMill | null = null;
  private starting: Promise<void> | null = null;
  private closing: Promise<void> | null = null;
  private readonly closingCallbacks = new Set<() => void>();
  private readonly closeCallbacks = new Set<() => void>();
  private found: Recovery | null = null;

  /** @throws MillraceError `INVALID_OPTION` */
  constructor(
    readonly directory: string,
    options: MillraceOptions = {},
  ) {
    if (typeof directory !== 'string' || directory === '') throw badDirectory();
    this.options = resolveOptions(options);
    this.streams = new StreamRegistry(directory, this.host);
  }

  /** What the mill is doing: its state now, then each change. */
  get status$(): Observable<MillStatus> {
    return this.statusSubject.asObservable();
  }

  /** What `start` found and did. `null` before. */
  get recovery(): Recovery | null {
    return this.found;
  }

  /**
   * Declares a stream. Before `start`, it is compared with what the log remembers when the mill starts; afterwards, at
   * once. Without a schema, gives a stream that was declared, or one that the log of a started mill remembers.
   *
   * @throws MillraceError `NAME_TAKEN`, `UNKNOWN_STREAM`, `CLOSED`; SchemaError `SCHEMA`, `SCHEMA_CHANGED`
   */
  stream<S extends Schema>(name: string, options: StreamOptions<S>): DurableStream<RowOf<S>, InputOf<S>>;
  /** Declares a derived stream: its rows are what the pipeline gives. To be called before `start`. */
  stream<S extends Schema>(name: string, options: DerivedSchemaOptions<S>): DerivedStream<RowOf<S>>;
  stream<T extends object>(name: string, options: DerivedOptions<T>): DerivedStream<T>;
  stream(name: string): DurableStream<Record<string, unknown>>;
  // biome-ignore lint/suspicious/noExplicitAny: the overloads say it
  stream(name: string, options?: StreamOptions<Schema> | DerivedOptions<object>): any {
    if (options === undefined) return this.knownStream(name);
    if (this.closing) throw closed(this.directory, `declare "${name}"`);
    if ('from' in options) return this.streams.declareDerived(name, options, this.isStarted);
    return this.streams.declare(name, options.schema, options.retention, this.live);
  }

  /**
   * Declares a table: the last row that its pipeline gave for each key. To be called before `start`.
   *
   * @throws MillraceError `NAME_TAKEN`, `INVALID_OPTION`, `INVALID_ARGUMENT`, `ALREADY_STARTED`, `CLOSED`
   */
  table<V extends object>(name: string, options: TableOptions<V>): Table<V> {
    if (this.closing) throw closed(this.directory, `declare "${name}"`);
    return this.streams.declareTable(name, options, this.isStarted);
  }

  /** The names of the streams that are declared or, in a started mill, remembered by its log. */
  get streamNames(): readonly string[] {
    return this.streams.names(this.live);
  }

  /**
   * Locks the directory, recovers the log, and goes live. A new directory becomes a new mill.
   *
   * @throws MillraceError `LOCKED`, `NOT_A_MILL`, `CORRUPT_MANIFEST`, `UNSUPPORTED_VERSION`, `INVALID_OPTION`;
   *   `CorruptLogError`; SchemaError `SCHEMA_CHANGED`. After an error the directory is free again and `start` may be repeated.
   */
  start(): Promise<void> {
    if (this.closing) return Promise.reject(closed(this.directory, 'start it'));
    if (this.isStarted) return Promise.reject(alreadyStarted(this.directory));
    this.starting = this.begin();
    return this.starting;
  }

  private async begin(): Promise<void> {
    this.statusSubject.next({ state: 'starting' });
    const startedAt = this.options.scheduler.now();
    try {
      await lastValueFrom(this.open(startedAt), { defaultValue: undefined });
    } catch (error) {
      this.statusSubject.next({ state: 'new' });
      throw couldNotOpen(this.directory, error);
    }
  }

  /** Opens and recovers, and goes live. */
  private open(startedAt: number): Observable<unknown> {
    const hooks = {
      assertOpen: () => void this.host.live('append to it'),
      poisoned: (failure: MillraceError) => this.statusSubject.next({ state: 'poisoned', failure }),
      checkpoint: (checkpoint: CheckpointEvent) => this.told(checkpoint),
    };
    return openLive(this.directory, this.options, this.streams, hooks).pipe(
      tap((live) => {
        this.live = live;
        live.checkpointing.start();
        this.found = recoveryOf(live.log, this.options.scheduler.now() - startedAt);
        this.statusSubject.next({ state: 'live' });
        live.derivations.goLive(live);
      }),
    );
  }

  private told(checkpoint: CheckpointEvent): void {
    const { state } = this.statusSubject.value;
    if (state === 'live' || state === 'closing') this.statusSubject.next({ state, checkpoint });
  }

  private get isStarted(): boolean {
    return this.statusSubject.value.state !== 'new';
  }

  private knownStream(name: string): AnyStream {
    return this.streams.declared(name) ?? this.streams.remembered(name, this.host.live(`read "${name}"`));
  }

  private readonly host: Omit<StreamHost, 'live'> & { live(use: string): LiveMill } = {
    appendsWaitingMax: () => this.options.appendsWaitingMax,
    live: (use) => {
      if (this.closing) throw closed(this.directory, use);
      if (this.live) return this.live;
      throw notStarted(this.directory, use);
    },
    onClosing: (callback) => {
      this.closingCallbacks.add(callback);
      return () => this.closingCallbacks.delete(callback);
    },
    onClose: (callback) => {
      this.closeCallbacks.add(callback);
      return () => this.closeCallbacks.delete(callback);
    },
  };

  /** Counts and latencies since `start`. @throws MillraceError `NOT_STARTED` */
  metrics(): MillMetrics {
    if (!this.live) throw notStarted(this.directory, 'measure it');
    return metricsOf(this.live);
  }

  /**
   * Makes a checkpoint now, or, while one runs, after it: what was written goes into segments, and the log becomes short.
   * Resolves when that is durable. Where nothing was written since the last one it has no steps.
   *
   * @throws MillraceError `NOT_STARTED`, `CLOSED`, `POISONED`, and what the disk says: then nothing is lost, and the next one tries again
   */
  async checkpoint(): Promise<CheckpointReport> {
    return lastValueFrom(this.host.live('take a checkpoint').checkpointing.request());
  }

  /** Changes the time between two checkpoints, at once. @throws MillraceError `INVALID_OPTION`, `NOT_STARTED`, `CLOSED` */
  setCheckpointInterval(interval: string | number): void {
    this.host.live('change its settings').interval.next(durationOf('checkpointInterval', interval));
  }

  /**
   * A hash of everything that is kept: every event of every stream with its position. Equal before a crash and after recovery,
   * before and after checkpoints and merges. Without positions, it compares contents: what was exported with what was imported.
   * 16 hexadecimal digits.
   */
  async fingerprint(options: FingerprintOptions = {}): Promise<string> {
    return lastValueFrom(fingerprint(this.host.live('take its fingerprint'), options).pipe(toldAsUnread()));
  }

  /**
   * Takes nothing more, waits for what was appended, takes a checkpoint, says in the log that all is durable, and frees the
   * directory. Subscribers complete. A mill that failed is closed too; the error tells what could not be done.
   */
  close(): Promise<void> {
    if (this.closing === null) {
      for (const callback of this.closingCallbacks) callback();
      this.closing = this.shut();
    }
    return this.closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private async shut(): Promise<void> {
    // A start that is under way ends first, so that what it opened is closed.
    await this.starting?.catch(() => {});
    const { live } = this;
    this.statusSubject.next({ state: 'closing' });
    try {
      if (live)
        await lastValueFrom(
          closeMill(live, () => this.endReading()),
          { defaultValue: undefined },
        );
    } finally {
      this.endReading();
      this.statusSubject.next({ state: 'closed' });
      this.statusSubject.complete();
    }
  }

  private endReading(): void {
    for (const callback of this.closeCallbacks) callback();
    this.closeCallbacks.clear();
    this.streams.completeSubscribers();
  }
}
