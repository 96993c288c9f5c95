import { MillraceError } from '../errors.js';
import { Admission } from './admission.js';
import { ApplyQueue } from './apply-queue.js';
import { CommitBuilder, type CommitReceipt, type SealedCommit } from './commit.js';
import { notWritten, poisonedBy } from './failures.js';
import type { LogSet } from './log-set.js';
import { WriterMetrics } from './metrics.js';
import { Quiet } from './quiet.js';
import type { MetadataRecord } from './record.js';
import { TurnTaking } from './turn-taking.js';
import type { WriterContext, WriterOptions, WriterStart } from './writer-context.js';

/** Lsns are promised to the metadata log in steps of this many. */
export const LSN_STEP = 2 ** 24;

/**
 * Group commit: one commit is written and synced while the next one fills. Lsns are given when a commit is sealed. The
 * next commit is on its way to the disk before the last one is applied, so that both go on at the same time.
 */
export class LogWriter {
  readonly metrics = new WriterMetrics();
  readonly filling = new CommitBuilder();
  /** What ended the writing for good. */
  failure: MillraceError | null = null;
  lastCommit: number;
  nextLsn: number;
  /** Lsns above it need a record first. */
  ceiling: number;
  private inFlight: SealedCommit | null = null;
  private readonly done = new ApplyQueue((sealed) => this.apply(sealed));
  readonly admission = new Admission(() => this.takesMore);
  private readonly turns: TurnTaking;
  private readonly quiet = new Quiet(
    () => this.isIdle || this.failure !== null,
    () => this.isBetweenCommits,
  );
  /** Declarations whose commit could not be written. */
  private held: MetadataRecord[] = [];
  private isClosed = false;

  constructor(
    private readonly context: WriterContext,
    readonly options: WriterOptions,
    start: WriterStart,
  ) {
    this.turns = new TurnTaking(context.scheduler);
    this.lastCommit = start.commit;
    this.nextLsn = start.nextLsn;
    this.ceiling = start.ceiling;
  }

  get logs(): LogSet {
    return this.context.logs;
  }

  get isFull(): boolean {
    return this.filling.events >= this.options.commitEventsMax || this.filling.bytes >= this.options.commitBytesMax;
  }

  /** After a failure too: who comes then is told so, and need not wait for room that will never be. */
  private get takesMore(): boolean {
    return this.failure !== null || (!this.isFull && !this.context.holdsBack());
  }

  /** Whether one may add to `filling` now. Who comes while others wait, waits behind them. */
  get hasRoom(): boolean {
    return this.takesMore && this.admission.isOpen;
  }

  get isIdle(): boolean {
    return this.isBetweenCommits && this.filling.isEmpty && this.admission.waitingCount === 0;
  }

  private get isBetweenCommits(): boolean {
    return this.inFlight === null && !this.done.isBusy;
  }

  /** @throws MillraceError `POISONED` after a failure that only a restart can mend. */
  assertWritable(): void {
    if (this.failure) throw poisonedBy(this.failure);
    if (this.isClosed) throw new MillraceError('CLOSED', 'The mill is closed. This event was not written.');
  }

  /** Writes the closed mark as the last commit: `durable` must be the last one. Nothing is taken after it. */
  close(receipt: CommitReceipt): void {
    this.record({ kind: 'closed', nextLsn: this.nextLsn }, receipt);
    this.isClosed = true;
  }

  /** Calls back once, when there is room; in the order of asking. */
  whenRoom(callback: () => void): void {
    this.admission.wait(callback);
  }

  /** Calls back once, when nothing is filling, in flight or being applied. */
  whenIdle(callback: () => void): void {
    this.quiet.whenIdle(callback);
    this.quiet.settle();
  }

  /** Seals nothing more until `resume`, and calls back when nothing is in flight or being applied. Appends go on filling. */
  pause(paused: () => void): void {
    this.quiet.pause(paused);
    this.quiet.settle();
  }

  resume(): void {
    this.quiet.resume();
    this.sealNext();
    this.quiet.settle();
  }

  /** To be called after adding to `filling`: seals at once when full, else after what is running now has added its events too. */
  sealSoon(): void {
    if (this.inFlight !== null || this.quiet.isPaused) return;
    if (this.isFull) this.sealNext();
    else this.turns.soon(this.options.level, () => this.sealNext());
  }

  /** Adds a metadata record; durable before its receipt is told, whatever the level. */
  record(record: MetadataRecord, receipt?: CommitReceipt): void {
    this.assertWritable();
    this.filling.addRecord(record, receipt);
    this.sealSoon();
  }

  private sealNext(): void {
    if (this.inFlight !== null || this.failure !== null || this.quiet.isPaused || this.filling.isEmpty) return;
    const sealed = this.sealOrReject();
    if (sealed === null) return;
    this.inFlight = sealed;
    const startedAt = this.context.scheduler.now();
    const wantsSync = this.options.level === 'sync' || sealed.records.length > 0;
    this.logs.commit(sealed, wantsSync).subscribe({
      error: (error: MillraceError) => this.failed(sealed, error),
      complete: () => {
        // A sync that failed meanwhile (level `flush`) may have taken what was written before this commit.
        if (this.failure !== null) return this.failed(sealed, this.failure);
        this.metrics.written(sealed, this.context.scheduler.now() - startedAt);
        this.durable(sealed);
      },
    });
    this.admission.admit();
  }

  /** `null` where a frame would be too long, or there is no memory for it: then the commit is rejected. */
  private sealOrReject(): SealedCommit | null {
    try {
      return this.seal();
    } catch (cause) {
      // What came before is told first.
      this.applyDone();
      this.metrics.commitsRejected++;
      this.hold(this.filling.takeRecords());
      this.filling.abandon(notWritten(this.lastCommit + 1, cause));
      this.admission.admit();
      this.quiet.settle();
      return null;
    }
  }

  private seal(): SealedCommit {
    const { filling, options, logs } = this;
    const firstLsn = this.nextLsn;
    this.nextLsn += filling.events;
    for (const record of this.held.splice(0)) filling.addRecord(record);
    if (this.nextLsn > this.ceiling - LSN_STEP / 2)
      filling.addRecord({ kind: 'ceiling', ceiling: this.nextLsn + LSN_STEP });
    const metadataOnly = options.level === 'off';
    // A commit that goes to no file has no number of its own: numbers in the log have no gaps.
    const number = metadataOnly && filling.recordCount === 0 ? this.lastCommit : this.lastCommit + 1;
    const time = Math.floor(this.context.scheduler.now());
    const sealed = filling.seal(
      { number, durable: logs.durable, firstLsn, time, metadataOnly },
      this.context.hash,
      logs.seedOf,
    );
    filling.reset();
    return sealed;
  }

  private durable(sealed: SealedCommit): void {
    this.inFlight = null;
    this.lastCommit = sealed.seal.number;
    for (const record of sealed.records) {
      if (record.kind === 'ceiling') this.ceiling = record.ceiling;
    }
    this.done.push(sealed);
    this.sealNext();
    this.applyDone();
  }

  private apply(sealed: SealedCommit): void {
    const commit = sealed.decode();
    this.context.apply(commit);
    sealed.committed(commit);
    this.filling.recycle(sealed);
  }

  /** Applies what is durable, in order. */
  private applyDone(): void {
    if (!this.done.run()) return;
    this.admission.admit();
    this.quiet.settle();
  }

  private failed(sealed: SealedCommit, error: MillraceError): void {
    this.inFlight = null;
    // Who was in flight when the writing ended was told then.
    if (this.failure !== null) {
      this.quiet.settle();
      return;
    }
    if (error.code === 'NOT_WRITTEN') {
      this.metrics.commitsRejected++;
      // Declarations are not the caller's to repeat, and later events need them: they go with the next commit.
      this.hold(sealed.records);
      // Who is rejected may have more events in the commit that fills: they must not stand behind the gap.
      if (this.filling.continues(sealed)) {
        this.hold(this.filling.takeRecords());
        this.filling.abandon(error);
      }
      sealed.failed(error);
      this.sealNext();
    } else {
      this.poison(error, sealed);
    }
    this.admission.admit();
    this.quiet.settle();
  }

  private hold(records: readonly MetadataRecord[]): void {
    this.held.push(...records.filter((record) => record.kind === 'stream'));
  }

  /** Ends the writing for good. */
  poison(error: MillraceError, sealed?: SealedCommit): void {
    if (this.failure !== null) return;
    this.failure = error;
    // First who has events under way: of theirs it is not known whether they survive, not even of those that fill.
    (sealed ?? this.inFlight)?.failed(error);
    this.filling.abandon(poisonedBy(error));
    this.context.poisoned?.(error);
    this.admission.admit();
    this.quiet.settle();
  }
}
