import type { AskedCause, CheckpointCause } from './checkpoint-policy.js';

/** What `run` emits: a step that has ended. */
export interface CheckpointStep {
  readonly name: 'rotate' | 'snapshot' | 'retire';
  /** Bytes that the step wrote, or, for `retire`, freed. */
  readonly bytes?: number;
}

export interface TimedStep extends CheckpointStep {
  /** Milliseconds since the step before it ended. */
  readonly duration: number;
}

/** How far a checkpoint has come. `steps` are those that have ended. */
export interface CheckpointReport {
  /** Counted from 1 when the schedule began. */
  readonly number: number;
  readonly cause: CheckpointCause;
  /** Milliseconds since the epoch, by the scheduler. */
  readonly startedAt: number;
  /** Milliseconds so far. */
  readonly duration: number;
  readonly steps: readonly TimedStep[];
}

export type CheckpointEvent =
  | { readonly kind: 'started' | 'step' | 'completed'; readonly report: CheckpointReport }
  | { readonly kind: 'failed'; readonly report: CheckpointReport; readonly error: unknown };

/** Someone who waits for a checkpoint that begins after he asked. One of the two is called, once. */
export interface CheckpointRequest {
  completed(report: CheckpointReport): void;
  /** With what the checkpoint failed with; `CLOSED` where none will follow. */
  failed(error: unknown): void;
}

/** A request with the cause that it gives a checkpoint. */
export interface WaitingRequest {
  readonly cause: AskedCause;
  readonly request: CheckpointRequest;
}

/** The checkpoint that runs, and who waits for it. */
export class RunningCheckpoint {
  private readonly steps: TimedStep[] = [];
  private stepFrom: number;

  constructor(
    private readonly number: number,
    readonly cause: CheckpointCause,
    private readonly startedAt: number,
    private readonly waiting: WaitingRequest[],
  ) {
    this.stepFrom = startedAt;
  }

  ended(step: CheckpointStep, now: number): void {
    this.steps.push({ ...step, duration: now - this.stepFrom });
    this.stepFrom = now;
  }

  report(now: number): CheckpointReport {
    const { number, cause, startedAt } = this;
    return { number, cause, startedAt, duration: now - startedAt, steps: [...this.steps] };
  }

  takeWaiting(): WaitingRequest[] {
    return this.waiting.splice(0);
  }
}
