import type { Subscription } from 'rxjs';
import { type DurableStream, Millrace, MillraceError, type MillraceOptions, type Recorded } from '../../src/index.js';
import type { VirtualClock } from '../../src/testing/virtual-clock.js';
import { Driver, Violation } from './simulation-driver.js';
import {
  differingColumn,
  idOf,
  type Row,
  type SchemaVersion,
  type StreamKind,
  versionOf,
} from './simulation-events.js';
import type { Batch, Found, Model } from './simulation-model.js';

/** A declared stream of a simulated mill. */
export interface DeclaredStream {
  readonly kind: StreamKind;
  readonly version: SchemaVersion;
  readonly stream: DurableStream<Row, Row>;
}

/** Reads a stream from some lsn on, for as long as the mill is open. */
interface Reader {
  readonly kind: StreamKind;
  readonly fromLsn: number;
  readonly rows: Found[];
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
  private readonly readers: Reader[] = [];

  constructor(
    directory: string,
    options: MillraceOptions,
    private readonly model: Model,
    readonly clock: VirtualClock,
  ) {
    this.mill = new Millrace(directory, options);
    this.driver = new Driver(clock);
    this.mill.status$.subscribe(({ state }) => {
      if (state === 'poisoned') this.isPoisoned = true;
    });
  }

  /** Declares a stream, or takes the one that the log remembers. */
  declare(kind: StreamKind, version: SchemaVersion): void {
    const { mill } = this;
    if (mill.streamNames.includes(kind.name)) {
      const stream = mill.stream(kind.name) as DurableStream<Row, Row>;
      this.use({ kind, version: versionOf(kind, stream.columns), stream });
    } else {
      this.use({
        kind,
        version,
        stream: mill.stream(kind.name, { schema: kind.schema(version) }) as DurableStream<Row, Row>,
      });
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
    const { event, lsn, commit, commitTime } = this.found(kind, record);
    this.model.observed(event, { lsn, commit, commitTime }, this.clock.now());
  }

  /** Tells which event a row is, and that it is what was appended. */
  private found(kind: StreamKind, { event: row, lsn, commit, commitTime }: Recorded<Row>): Found {
    const event = this.model.events[idOf(row)];
    if (event?.kind !== kind)
      throw new Violation(`stream ${kind.name} has an event ${idOf(row)} that was not appended`);
    const column = differingColumn(row, event.row);
    if (column) throw new Violation(`event ${event.id} has another ${column} than was appended`);
    return { event, lsn, commit, commitTime };
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

  /** Everything that the log holds, in the order of its lsns. */
  async readAll(kinds: readonly StreamKind[]): Promise<readonly Found[]> {
    const subscriptions = this.mill.streamNames.map((name) => {
      const kind = kinds.find((one) => one.name === name);
      if (!kind) throw new Violation(`the log remembers a stream ${name} that was never declared`);
      return this.read(kind, 0);
    });
    // Nothing else goes on, so all is read when nothing is left to do.
    await this.driver.until(() => this.isDying || this.violations.length > 0);
    this.isOver = this.isDying;
    if (this.violations.length > 0) throw this.violations[0];
    for (const { subscription } of subscriptions) subscription.unsubscribe();
    return subscriptions.flatMap(({ rows }) => rows).sort((left, right) => left.lsn - right.lsn);
  }

  /** Reads on until the mill is closed. What came is compared by `assertReadersAgree`. */
  follow(kind: StreamKind, fromLsn: number): void {
    const { rows } = this.read(kind, fromLsn);
    this.readers.push({ kind, fromLsn, rows });
  }

  /** As `follow`, but the consumer takes its time. */
  async iterate({ kind, stream }: DeclaredStream, fromLsn: number, pause: () => number): Promise<void> {
    const rows: Found[] = [];
    this.readers.push({ kind, fromLsn, rows });
    try {
      for await (const record of stream.records(fromLsn)) {
        this.heard(() => rows.push(this.found(kind, record)));
        await this.driver.pause(pause());
      }
    } catch (error) {
      this.heard(() => this.readFailed(error));
    }
  }

  private read(kind: StreamKind, fromLsn: number): { rows: Found[]; subscription: Subscription } {
    const rows: Found[] = [];
    const stream = this.mill.stream(kind.name) as DurableStream<Row>;
    const subscription = stream.records(fromLsn === 0 ? 'earliest' : fromLsn).subscribe({
      next: (record) => this.heard(() => rows.push(this.found(kind, record))),
      error: (error) => this.heard(() => this.readFailed(error)),
    });
    return { rows, subscription };
  }

  private readFailed(error: unknown): void {
    if (!this.allowedCodes.has('READ')) throw error;
    this.hasFailedReaders = true;
  }

  /** Waits until every reader has seen what there is. */
  async readersThrough(): Promise<void> {
    for (const reader of this.readers) {
      const expected = this.expected(reader).length;
      await this.until(
        () => this.hasFailedReaders || reader.rows.length >= expected,
        `a reader of ${reader.kind.name}`,
      );
    }
    this.assertReadersAgree();
  }

  /** Readers have seen what subscribers saw, without gap or double, though perhaps not all of it. */
  assertReadersAgree(): void {
    for (const reader of this.readers) {
      const { kind, fromLsn, rows } = reader;
      const expected = this.expected(reader);
      const differing = rows.findIndex((row, at) => row.event !== expected[at]?.event || row.lsn !== expected[at].lsn);
      if (differing >= 0)
        throw new Violation(
          `a reader of ${kind.name} from ${fromLsn} got event ${rows[differing]!.event.id} at ${differing}`,
        );
    }
  }

  private expected({ kind, fromLsn }: Reader): readonly Found[] {
    const history = [...this.model.known, ...this.model.seen];
    return history.filter(({ event, lsn }) => event.kind === kind && lsn >= fromLsn);
  }
}
