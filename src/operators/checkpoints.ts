import { asyncScheduler, defer, NEVER, Observable, type SchedulerLike, type Subscriber, Subscription } from 'rxjs';
import { MillraceError } from '../errors.js';
import {
  type AskedCause,
  type CheckpointCause,
  type CheckpointFailure,
  type CheckpointState,
  INTERVAL_MS_DEFAULT,
  isDue,
  isPassedOver,
  nextLook,
  UNSAVED_BYTES_MAX_DEFAULT,
} from './checkpoint-policy.js';
import {
  type CheckpointEvent,
  type CheckpointRequest,
  type CheckpointStep,
  RunningCheckpoint,
  type WaitingRequest,
} from './checkpoint-report.js';

export interface CheckpointTriggers {
  /** Milliseconds between the starts of two checkpoints; `Infinity` for none by time. The latest counts, at once. Default 1 minute. */
  readonly interval$?: Observable<number>;
  /**
   * How many bytes a crash now would have to be replayed for, whenever it changes: 0 where a checkpoint would change nothing.
   * `run` must have told the amount that it leaves before it completes.
   */
  readonly unsavedBytes$: Observable<number>;
  /** From this many unsaved bytes on a checkpoint is due. Default 64 MiB. */
  readonly unsavedBytesMax?: number;
  readonly requests$?: Observable<CheckpointRequest>;
  /** As requests; the checkpoint is told that it is for a switch of the level. */
  readonly levelSwitches$?: Observable<CheckpointRequest>;
  /** Asks for the last checkpoint. */
  readonly close$?: Observable<CheckpointRequest>;
}

/**
 * The schedule of checkpoints. Runs one at a time, when one is due by `interval$`, by `unsavedBytes$`, or because someone
 * asked, and emits how it goes. What comes due while one runs follows at once, as one: requests that wait are honoured
 * together. An interval in which nothing was written passes without a checkpoint. Completes after the checkpoint of `close$`.
 *
 * A checkpoint that fails is told to those who waited for it and emitted as `failed`; then the schedule goes on.
 * An error of a trigger errors the schedule. Unsubscribing stops the checkpoint that runs.
 *
 * @param run makes a checkpoint and emits each step as it ends
 * @example
 * const step = (name: CheckpointStep['name'], act$: Observable<never>) => concat(act$, of({ name }));
 * checkpoints({ interval$: of(30_000), unsavedBytes$, requests$, close$ }, () =>
 *   concat(step('rotate', rotate$), step('snapshot', snapshot$), step('retire', retire$)),
 * ).subscribe(({ kind, report }) => console.log(kind, report.cause, report.duration));
 */
export function checkpoints(
  triggers: CheckpointTriggers,
  run: (cause: CheckpointCause) => Observable<CheckpointStep>,
  scheduler: SchedulerLike = asyncScheduler,
): Observable<CheckpointEvent> {
  return new Observable((subscriber) => new Schedule(triggers, run, scheduler, subscriber).start());
}

/** A timer takes no longer delay; one that is too early looks again. */
const TIMER_MS_MAX = 2 ** 31 - 1;

class Schedule {
  private interval = INTERVAL_MS_DEFAULT;
  private intervalFrom: number;
  private unsavedBytes = 0;
  private failure: CheckpointFailure | null = null;
  private count = 0;
  private waiting: WaitingRequest[] = [];
  private running: RunningCheckpoint | null = null;
  private isSettling = false;
  private timer: Subscription | undefined;
  private timerAt = Infinity;
  private readonly subscriptions = new Subscription();

  constructor(
    private readonly triggers: CheckpointTriggers,
    private readonly run: (cause: CheckpointCause) => Observable<CheckpointStep>,
    private readonly scheduler: SchedulerLike,
    private readonly subscriber: Subscriber<CheckpointEvent>,
  ) {
    this.intervalFrom = scheduler.now();
  }

  /** Returns the teardown. */
  start(): () => void {
    const {
      interval$ = NEVER,
      unsavedBytes$,
      requests$ = NEVER,
      levelSwitches$ = NEVER,
      close$ = NEVER,
    } = this.triggers;
    // What the triggers say at once is taken together.
    this.isSettling = true;
    this.listen(interval$, (interval) => {
      this.interval = interval;
    });
    this.listen(unsavedBytes$, (bytes) => {
      this.unsavedBytes = bytes;
    });
    this.listen(requests$, (request) => this.waiting.push({ cause: 'request', request }));
    this.listen(levelSwitches$, (request) => this.waiting.push({ cause: 'level', request }));
    this.listen(close$, (request) => this.waiting.push({ cause: 'close', request }));
    this.isSettling = false;
    this.settle();
    return () => this.stop();
  }

  private listen<T>(source: Observable<T>, next: (value: T) => void): void {
    const subscription = source.subscribe({
      next: (value) => {
        next(value);
        this.settle();
      },
      error: (error) => this.subscriber.error(error),
    });
    this.subscriptions.add(subscription);
  }

  private get state(): CheckpointState {
    const causes = this.waiting.map(({ cause }) => cause);
    return {
      now: this.scheduler.now(),
      interval: this.interval,
      intervalFrom: this.intervalFrom,
      unsavedBytes: this.unsavedBytes,
      unsavedBytesMax: this.triggers.unsavedBytesMax ?? UNSAVED_BYTES_MAX_DEFAULT,
      asked: PRIORITY.find((cause) => causes.includes(cause)) ?? null,
      failure: this.failure,
    };
  }

  /** Begins what is due. A loop and not a recursion, for checkpoints may end synchronously. */
  private settle(): void {
    if (this.isSettling) return;
    this.isSettling = true;
    while (this.running === null && !this.subscriber.closed) {
      const { state } = this;
      const cause = isDue(state);
      if (cause === null) {
        if (isPassedOver(state)) this.intervalFrom = state.now;
        this.wakeAt(nextLook(this.state));
        break;
      }
      this.begin(cause);
    }
    this.isSettling = false;
  }

  private wakeAt(time: number): void {
    if (time === this.timerAt) return;
    this.timer?.unsubscribe();
    this.timerAt = time;
    if (time === Infinity) return;
    const delay = Math.min(Math.max(0, time - this.scheduler.now()), TIMER_MS_MAX);
    this.timer = this.scheduler.schedule(() => {
      this.timerAt = Infinity;
      this.settle();
    }, delay);
  }

  private begin(cause: CheckpointCause): void {
    const startedAt = this.scheduler.now();
    const running = new RunningCheckpoint(++this.count, cause, startedAt, this.waiting);
    this.running = running;
    this.waiting = [];
    this.intervalFrom = startedAt;
    this.subscriber.next({ kind: 'started', report: running.report(startedAt) });
    if (this.subscriber.closed) return;
    const subscription = defer(() => this.run(cause)).subscribe({
      next: (step) => {
        const now = this.scheduler.now();
        running.ended(step, now);
        this.subscriber.next({ kind: 'step', report: running.report(now) });
      },
      error: (error) => this.failed(running, error),
      complete: () => this.completed(running),
    });
    this.subscriptions.add(subscription);
    subscription.add(() => this.subscriptions.remove(subscription));
  }

  private completed(running: RunningCheckpoint): void {
    const report = running.report(this.scheduler.now());
    this.failure = null;
    this.subscriber.next({ kind: 'completed', report });
    for (const { request } of running.takeWaiting()) request.completed(report);
    this.end(running);
  }

  private failed(running: RunningCheckpoint, error: unknown): void {
    const now = this.scheduler.now();
    this.failure = { at: now, unsavedBytes: this.unsavedBytes };
    this.subscriber.next({ kind: 'failed', report: running.report(now), error });
    for (const { request } of running.takeWaiting()) request.failed(error);
    this.end(running);
  }

  /** Only now may the next one begin: what was asked for by those who just heard of this one is honoured by the next. */
  private end(running: RunningCheckpoint): void {
    this.running = null;
    if (running.cause === 'close') this.subscriber.complete();
    else this.settle();
  }

  private stop(): void {
    this.timer?.unsubscribe();
    this.subscriptions.unsubscribe();
    const waiting = [...(this.running?.takeWaiting() ?? []), ...this.waiting.splice(0)];
    for (const { request } of waiting) request.failed(new MillraceError('CLOSED', closedMessage));
  }
}

const PRIORITY: readonly AskedCause[] = ['close', 'level', 'request'];

const closedMessage =
  'The mill was closed before this checkpoint was complete. What is in the log is recovered at the next start.';
