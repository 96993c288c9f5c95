import { type DurableStream, Millrace, MillraceError, type MillraceOptions, type Recorded } from '../../src/index.js';
import { StorageError } from '../../src/storage/storage.js';
import type { Catalog } from '../../src/streams/catalog.js';
import type { MillStatus } from '../../src/streams/status.js';
import { SimulatedCompute } from '../../src/testing/simulated-compute.js';
import type { VirtualClock } from '../../src/testing/virtual-clock.js';
import { Driver, Violation, Watched } from './simulation-driver.js';
import {
  differingColumn,
  idOf,
  type Row,
  type SchemaVersion,
  type StreamKind,
  versionOf,
} from './simulation-events.js';
import type { Model } from './simulation-model.js';
import { Readers } from './simulation-readers.js';
import type { Batch, Found, Offered } from './simulation-run.js';

/** A declared stream of a simulated mill. */
export interface DeclaredStream {
  readonly kind: StreamKind;
  readonly version: SchemaVersion;
  readonly stream: DurableStream<Row, Row>;
}

/** Of a batch that was rejected, what was written before is counted in the message. */
function assertCounted(batch: Batch, error: unknown): void {
  const written = batch.filter(({ place }) => place !== null).length;
  const message = error instanceof Error ? error.message : '';
  const told = Number(/\((\d+) events before it were written/.exec(message)?.[1] ?? 0);
  if (told !== written)
    throw new Violation(`${written} events were written before the failure, the error says ${told}`);
}

/** Rejections that say that an event is not in the log. */
const NOT_IN_LOG: ReadonlySet<string> = new Set(['NOT_WRITTEN', 'POISONED', 'FULL', 'CLOSED']);

/** A mill under test. It tells the model what was offered, acknowledged, emitted and rejected, and keeps what went wrong. */
export class SimulatedMill {
  readonly mill: Millrace;
  readonly driver: Driver;
  readonly streams: DeclaredStream[] = [];
  readonly violations: unknown[] = [];
  /** Error codes that are as they should be in this run. */
  readonly allowedCodes = new Set<string>();
  /** The crash has come. What was on its way to the users in that moment still reaches them. */
  isDying = false;
  /** The process is gone: what its promises say now, nobody hears. */
  isOver = false;
  isPoisoned = false;
  hasFailedReaders = false;
  /** Whether checkpoints may fail. */
  hasFault = false;
  /** How checkpoints ended. */
  readonly checkpoints = { completed: 0, failed: 0 };
  readonly readers: Readers;

  constructor(
    directory: string,
    options: MillraceOptions & { readonly computeLatency?: number },
    readonly model: Model,
    readonly clock: VirtualClock,
  ) {
    const { computeLatency: latency = 0, ...others } = options;
    this.mill = new Millrace(directory, { compute: new SimulatedCompute({ scheduler: clock, latency }), ...others });
    this.driver = new Driver(clock);
    this.readers = new Readers(this);
    let seen = 0;
    this.mill.status$.subscribe((status) =>
      this.heard(() => {
        if (status.state === 'poisoned') this.isPoisoned = true;
        const { kind } = checkpointOf(status);
        if (kind === 'started') seen = model.seen.length;
        if (kind === 'completed') this.checkpointed(seen);
        if (kind === 'failed') this.checkpointFailed(status);
      }),
    );
  }

  private checkpointed(seen: number): void {
    this.checkpoints.completed++;
    this.model.checkpointed(seen);
  }

  private checkpointFailed(status: MillStatus): void {
    this.checkpoints.failed++;
    if (!this.hasFault) throw (checkpointOf(status) as { error?: unknown }).error;
  }

  /** What the log has said of streams. */
  private get catalog(): Catalog {
    return (this.mill as unknown as { readonly live: { readonly catalog: Catalog } }).live.catalog;
  }

  /** Tells the model up to where events are kept. */
  noteRetention(): void {
    for (const { name, retained } of this.catalog.snapshot)
      this.model.retention.decided(name, retained, this.clock.now());
  }

  /** Everything that a fingerprint depends on, for events that were read. */
  stateOf(found: readonly Found[]): string {
    const streams = this.catalog.snapshot.map(({ name, versions }) => `${name} ${versions.length}`).sort();
    return [...streams, ...found.map(({ event, lsn }) => `${event.id} ${lsn}`)].join();
  }

  /** Declares a stream, or takes the one that the log remembers. */
  declare(kind: StreamKind, version: SchemaVersion, retention?: number): void {
    const { mill } = this;
    if (mill.streamNames.includes(kind.name)) {
      const stream = mill.stream(kind.name) as DurableStream<Row, Row>;
      this.use({ kind, version: versionOf(kind, stream.columns), stream });
    } else {
      if (retention !== undefined) this.model.retention.declared(kind.name, retention);
      const options = { schema: kind.schema(version), ...(retention !== undefined && { retention }) };
      this.use({ kind, version, stream: mill.stream(kind.name, options) as DurableStream<Row, Row> });
    }
  }

  private use(declared: DeclaredStream): void {
    const { kind, stream } = declared;
    this.streams.push(declared);
    stream.records().subscribe((record) => this.heard(() => this.saw(kind, record)));
  }

  /** Steps until something is done or the process is over. Throws what went wrong meanwhile. */
  async until(isDone: () => boolean, what: string): Promise<void> {
    const isThrough = await this.driver.until(() => this.isDying || this.violations.length > 0 || isDone());
    this.isOver = this.isDying;
    if (this.violations.length > 0) throw this.violations[0];
    if (!isThrough) throw new Violation(`${what} never ended, with nothing left to do`);
  }

  /** Runs a callback of the mill, whose errors would get lost. */
  heard(callback: () => void): void {
    if (this.isOver) return;
    try {
      callback();
    } catch (violation) {
      this.violations.push(violation);
    }
  }

  private saw(kind: StreamKind, record: Recorded<Row>): void {
    if (this.isPoisoned) throw new Violation('an event was emitted after the log had failed');
    const { event, lsn } = this.found(kind, record);
    // While a commit is emitted, the one before it is the last that was applied.
    this.model.observed(event, { lsn, commit: this.mill.metrics().commit + 1 }, this.clock.now());
  }

  /** Tells which event a row is, and that it is what was appended. */
  found(kind: StreamKind, { event: row, lsn, index }: Recorded<Row>): Found {
    if (index !== 0) throw new Violation(`an event that was logged has index ${index}`);
    const event = this.eventOf(kind, row);
    const column = differingColumn(row, event.row);
    if (column) throw new Violation(`event ${event.id} has another ${column} than was appended`);
    return { event, lsn };
  }

  eventOf(kind: StreamKind, row: Row): Offered {
    const event = this.model.events[idOf(row)];
    if (event?.kind !== kind)
      throw new Violation(`stream ${kind.name} has an event ${idOf(row)} that was not appended`);
    return event;
  }

  /** Tells the model how an append ends, if it does. A Node stream hears of it late, and does not count what was written before. */
  async settle(
    batch: Batch,
    appended: Promise<{ readonly firstLsn: number; readonly lastLsn: number }>,
    isNodeStream = false,
  ): Promise<void> {
    try {
      const { firstLsn, lastLsn } = await appended;
      this.heard(() => {
        if (this.isPoisoned && !isNodeStream)
          throw new Violation('an append was acknowledged after the log had failed');
        this.model.acknowledged(batch, firstLsn, lastLsn);
      });
    } catch (error) {
      this.heard(() => {
        this.rejected(batch, error);
        if (!isNodeStream) assertCounted(batch, error);
      });
    }
  }

  rejected(batch: Batch, error: unknown): void {
    const code = error instanceof MillraceError ? error.code : String(error);
    if (!this.allowedCodes.has(code)) throw error;
    if (NOT_IN_LOG.has(code)) this.model.notWritten(batch, code);
  }

  /** What was decided on how far events are kept, as a text to compare. */
  get retained(): string {
    return JSON.stringify(this.catalog.snapshot.map(({ retained }) => retained));
  }

  /** Whether retention may take events of a stream. */
  mayLose({ name }: StreamKind): boolean {
    return this.model.retention.isWished(name);
  }

  /** Waits for an answer; `null` where the disk did not give it, or the process is over. */
  async result<T>(promise: Promise<T>, what: string): Promise<T | null> {
    const watched = new Watched(promise);
    await this.until(() => watched.isSettled, what);
    if (this.isOver) return null;
    if (watched.error) this.readFailed(watched.error);
    return watched.value;
  }

  readFailed(error: unknown): void {
    const isAllowed =
      error instanceof StorageError ? this.hasFault : this.allowedCodes.has((error as MillraceError).code);
    if (!isAllowed) throw error;
    this.hasFailedReaders = true;
  }
}

function checkpointOf(status: MillStatus): { readonly kind?: string } {
  return ('checkpoint' in status && status.checkpoint) || {};
}
