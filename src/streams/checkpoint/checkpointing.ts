import {
  BehaviorSubject,
  concat,
  defer,
  EMPTY,
  ignoreElements,
  Observable,
  type SchedulerLike,
  Subject,
  type Subscription,
} from 'rxjs';
import type { CheckpointCause } from '../../operators/checkpoint-policy.js';
import type {
  CheckpointEvent,
  CheckpointReport,
  CheckpointRequest,
  CheckpointStep,
} from '../../operators/checkpoint-report.js';
import { checkpoints } from '../../operators/checkpoints.js';
import { FILE_HEADER_BYTES } from '../../wal/format.js';
import { keptFrom, partitionOf } from '../retention.js';
import type { CheckpointedMill } from './checkpointed-mill.js';
import { makeCheckpoint } from './make-checkpoint.js';
import { Merging } from './merging.js';

export interface CheckpointingOptions {
  readonly scheduler: SchedulerLike;
  /** Milliseconds between two checkpoints. */
  readonly interval$: Observable<number>;
  /** From so many unsaved bytes on a checkpoint is due … */
  readonly checkpointBytes: number;
  /** … and from so many on appends wait. */
  readonly unsavedBytesMax: number;
}

export interface CheckpointingHooks {
  /** How long the events of streams are kept, in milliseconds, by stream number. */
  retentions(): ReadonlyMap<number, number>;
  happened(event: CheckpointEvent): void;
}

/** What a record counts as unsaved: about as much as it takes in the log. */
const RECORD_BYTES = 256;
/** A log with frames of so few bytes is not worth a checkpoint by itself. */
const LOG_BYTES_MIN = 64 * 1024;

/** The checkpoints of a mill, while it is live. */
export class Checkpointing {
  private readonly unsavedBytes = new BehaviorSubject(0);
  private readonly requests = new Subject<CheckpointRequest>();
  private readonly closing = new Subject<CheckpointRequest>();
  private readonly merging: Merging;
  private schedule: Subscription | undefined;
  private isClosing = false;
  private isRunning = false;
  private whenEnded: () => void = () => {};

  constructor(
    private readonly mill: CheckpointedMill,
    private readonly options: CheckpointingOptions,
    private readonly hooks: CheckpointingHooks,
  ) {
    this.merging = new Merging(mill, (stream) => {
      const retention = hooks.retentions().get(stream);
      return retention === undefined ? null : partitionOf(retention);
    });
  }

  start(): void {
    const { interval$, checkpointBytes, scheduler } = this.options;
    const triggers = {
      interval$,
      unsavedBytes$: this.unsavedBytes,
      unsavedBytesMax: checkpointBytes,
      requests$: this.requests,
      close$: this.closing,
    };
    this.committed();
    this.schedule = checkpoints(triggers, (cause) => this.run(cause), scheduler).subscribe((event) =>
      this.hooks.happened(event),
    );
    this.mill.nextFiles.prepareSoon();
  }

  /** Whether appends must wait for a checkpoint. Not while the mill closes: what was taken is waited for then. */
  get holdsBack(): boolean {
    return !this.isClosing && this.mill.unsaved.bytesInAll >= this.options.unsavedBytesMax;
  }

  get merges(): Merging['counts'] {
    return this.merging.counts;
  }

  private get unsaved(): number {
    return this.mill.unsaved.bytesInAll + this.mill.apply.records * RECORD_BYTES;
  }

  /** To be called after each commit. */
  committed(): void {
    this.unsavedBytes.next(this.unsaved);
  }

  /** Completes with the report of a checkpoint that begins now or, while one runs, after it. */
  request(): Observable<CheckpointReport> {
    return asked(this.requests);
  }

  /** Lets nobody wait for room any more: the mill closes. */
  letAllIn(): void {
    this.isClosing = true;
    this.mill.writer.admission.admit();
  }

  /** Makes the last checkpoint. */
  close(): Observable<never> {
    return asked(this.closing).pipe(ignoreElements());
  }

  /** Ends what goes on in the background. */
  stop(): Observable<never> {
    return defer(() => {
      this.schedule?.unsubscribe();
      return concat(this.ended(), this.merging.stop(), this.mill.nextFiles.close());
    });
  }

  /** A checkpoint that runs goes on to its end, also when nobody listens: nothing is written once the mill's lock is free. */
  private run(cause: CheckpointCause): Observable<CheckpointStep> {
    return new Observable((subscriber) => {
      this.isRunning = true;
      const end = (then: () => void) => {
        this.isRunning = false;
        then();
        this.whenEnded();
      };
      this.steps(cause).subscribe({
        next: (step) => subscriber.next(step),
        error: (error) => end(() => subscriber.error(error)),
        complete: () => end(() => subscriber.complete()),
      });
    });
  }

  /** To be asked when no other one can begin. */
  private ended(): Observable<never> {
    return new Observable((subscriber) => {
      this.whenEnded = () => subscriber.complete();
      if (!this.isRunning) subscriber.complete();
    });
  }

  private steps(cause: CheckpointCause): Observable<CheckpointStep> {
    if (!this.isWorthIt) return EMPTY;
    return concat(
      this.decideRetention(),
      makeCheckpoint(this.mill),
      defer(() => {
        this.committed();
        this.mill.writer.admission.admit();
        if (cause === 'close') return EMPTY;
        this.mill.nextFiles.prepareSoon();
        this.merging.look();
        return EMPTY;
      }),
    );
  }

  private get isWorthIt(): boolean {
    const { files, checkpointFiles } = this.mill.logs;
    if (this.mill.derivations.wantsSwap) return true;
    const logBytes = files.reduce((sum, { end }) => sum + end - FILE_HEADER_BYTES, 0);
    return this.unsaved > 0 || checkpointFiles.length > 0 || logBytes >= LOG_BYTES_MIN;
  }

  /** Decides, in the log, up to where events go, where another partition of a stream is over. */
  private decideRetention(): Observable<never> {
    const { catalog, store, unsaved } = this.mill;
    const now = this.options.scheduler.now();
    const due = [...this.hooks.retentions()].flatMap(([id, retention]) => {
      const from = keptFrom(now, retention);
      const hasOlder = store.of(id).some(({ minTime }) => minTime < from) || (unsaved.stream(id)?.rows ?? 0) > 0;
      return hasOlder && from > (catalog.retained(id)?.from ?? -Infinity) ? [{ id, from }] : [];
    });
    return concat(...due.map((decision) => this.logged(decision)));
  }

  private logged({ id, from }: { readonly id: number; readonly from: number }): Observable<never> {
    return new Observable((subscriber) => {
      this.mill.writer.record(
        { kind: 'retention', id, from },
        { committed: () => subscriber.complete(), failed: (error) => subscriber.error(error) },
      );
    });
  }
}

function asked(requests: Subject<CheckpointRequest>): Observable<CheckpointReport> {
  return new Observable((subscriber) => {
    requests.next({
      completed: (report) => {
        subscriber.next(report);
        subscriber.complete();
      },
      failed: (error) => subscriber.error(error),
    });
  });
}
