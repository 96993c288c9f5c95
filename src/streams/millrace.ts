import {
  BehaviorSubject,
  catchError,
  concat,
  defer,
  EMPTY,
  lastValueFrom,
  type Observable,
  switchMap,
  throwError,
} from 'rxjs';
import { closeMill, releaseMill } from './close.js';
import { createLive, declareStreams, type LiveMill, logOpened } from './live.js';
import {
  alreadyStarted,
  badDirectory,
  badName,
  closed,
  couldNotOpen,
  nameTaken,
  notStarted,
  unknownStream,
} from './misuse.js';
import { type MillraceOptions, type ResolvedOptions, resolveOptions } from './options.js';
import { type InputOf, layoutOf, nameFault, type RowOf, type Schema } from './schema.js';
import { openMill, type RecoveredMill } from './start.js';
import { type MillMetrics, type MillStatus, metricsOf, type Recovery, recoveryOf } from './status.js';
import { DurableStream, type StreamHost } from './stream.js';

export interface StreamOptions<S extends Schema> {
  readonly schema: S;
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
  // biome-ignore lint/suspicious/noExplicitAny: streams of any row type
  private readonly streams = new Map<string, DurableStream<any, any>>();
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
    if (typeof directory !== 'string' || directory === '') {
      throw badDirectory();
    }
    this.options = resolveOptions(options);
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
  stream(name: string): DurableStream<Record<string, unknown>>;
  // biome-ignore lint/suspicious/noExplicitAny: the overloads say it
  stream(name: string, options?: StreamOptions<Schema>): DurableStream<any, any> {
    if (options === undefined) return this.knownStream(name);
    const fault = nameFault(name);
    if (fault) throw badName(name, fault);
    if (this.closing) throw closed(this.directory, `declare "${name}"`);
    if (this.streams.has(name)) throw nameTaken(name);
    const stream = new DurableStream(name, layoutOf(name, options.schema ?? {}), this.host);
    if (this.live) {
      declareStreams(this.live, [stream]);
    }
    this.streams.set(name, stream);
    return stream;
  }

  /** The names of the streams that are declared or, in a started mill, remembered by its log. */
  get streamNames(): readonly string[] {
    const remembered = this.live?.catalog.streams.map((stream) => stream.name) ?? [];
    return [...new Set([...this.streams.keys(), ...remembered])].sort();
  }

  /**
   * Locks the directory, recovers the log, and goes live. A new directory becomes a new mill.
   *
   * @throws MillraceError `LOCKED`, `NOT_A_MILL`, `CORRUPT_MANIFEST`, `UNSUPPORTED_VERSION`, `INVALID_OPTION`;
   *   `CorruptLogError`; SchemaError `SCHEMA_CHANGED`. After an error the directory is free again and `start` may be repeated.
   */
  start(): Promise<void> {
    if (this.closing) return Promise.reject(closed(this.directory, 'start'));
    if (this.statusSubject.value.state !== 'new') return Promise.reject(alreadyStarted(this.directory));
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

  /** Opens and recovers, declares the streams, and says in the log that the mill is open. */
  private open(startedAt: number): Observable<unknown> {
    return openMill(this.directory, this.options).pipe(
      switchMap((mill) => {
        const live = this.goLive(mill);
        return concat(
          defer(() => logOpened(live, [...this.streams.values()])).pipe(
            catchError((error) =>
              concat(
                releaseMill(live),
                throwError(() => error),
              ),
            ),
          ),
          defer(() => {
            this.live = live;
            this.found = recoveryOf(mill.log, this.options.scheduler.now() - startedAt);
            this.statusSubject.next({ state: 'live' });
            return EMPTY;
          }),
        );
      }),
    );
  }

  private goLive(mill: RecoveredMill): LiveMill {
    return createLive(mill, this.options, {
      assertOpen: () => void this.host.live('append to'),
      poisoned: (failure) => this.statusSubject.next({ state: 'poisoned', failure }),
    });
  }

  private knownStream(name: string): DurableStream<Record<string, unknown>> {
    const declared = this.streams.get(name);
    if (declared) return declared;
    const live = this.host.live(`read "${name}" from`);
    const remembered = live.catalog.find(name);
    if (!remembered) {
      throw unknownStream(name, this.directory, this.streamNames);
    }
    const stream = new DurableStream<Record<string, unknown>>(name, remembered.versions.at(-1)!.columns, this.host);
    stream.connect(live, remembered.id);
    this.streams.set(name, stream);
    return stream;
  }

  private readonly host: StreamHost & { live(use: string): LiveMill } = {
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
    if (!this.live) throw notStarted(this.directory, 'measure');
    return metricsOf(this.live.writer, this.live.apply);
  }

  /**
   * Takes nothing more, waits for what was appended, says in the log that all is durable, and frees the directory.
   * Subscribers complete. A mill that failed is closed too; the error tells why its end is not marked.
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
    for (const stream of this.streams.values()) stream.completeSubscribers();
  }
}
