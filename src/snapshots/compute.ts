import { defer, EMPTY, map, type Observable, of, type SchedulerLike, throwError, throwIfEmpty, timer } from 'rxjs';
import { MillraceError } from '../errors.js';
import type { Hash } from '../wal/hash.js';
import { BlockMemory, type Loan } from './segments/block-memory.js';

/**
 * Work that does not belong on the mill's thread: a pure function, known by its name, from bytes to bytes. It sees no
 * disk, no clock and nothing but what it is given.
 */
export interface Job {
  readonly name: string;
  /** Plain JSON data. */
  readonly parameters: unknown;
  /**
   * What is backed by a `SharedArrayBuffer` is read where it lies; it must stay as it is until the job has answered.
   * Anything else is copied to the worker, or moved there where `owned` is set.
   */
  readonly input: readonly Uint8Array[];
  /** Gives the memory behind `input` away: the arrays are empty afterwards. For arrays that fill their buffer. */
  readonly owned?: boolean;
}

export interface JobResult {
  readonly output: readonly Uint8Array[];
  /** Plain JSON data. */
  readonly answer: unknown;
  /** Said by who does not need `output` any more: its memory may be used for that of later jobs. */
  readonly giveBack?: () => void;
}

/** `memory` is for the output. */
export type JobFunction = (job: Job, hash: Hash, memory: Loan) => JobResult;

/** Which jobs there are. */
export type JobTable = { readonly [name: string]: JobFunction };

/** Runs jobs. */
export interface Compute {
  /** Cold: the job begins when subscribed, and emits its result once. It goes on when the subscriber leaves. */
  run(job: Job): Observable<JobResult>;
  /** Ends what runs, with an error; refuses further jobs. May be called again. */
  close(): Observable<never>;
}

export interface InlineOptions {
  /** Answers on this scheduler, `latency` milliseconds after the job was asked for; without it, at once. */
  readonly scheduler?: SchedulerLike;
  readonly latency?: number;
}

/** Runs jobs on the caller's thread: for simulations, and where no thread is wanted. */
export class InlineCompute implements Compute {
  private readonly memory = new BlockMemory();
  private isClosed = false;

  constructor(
    private readonly jobs: JobTable,
    private readonly hash: Hash,
    private readonly options: InlineOptions = {},
  ) {}

  run(job: Job): Observable<JobResult> {
    const { scheduler, latency = 0 } = this.options;
    return defer(() => {
      if (this.isClosed) return throwError(computeClosed);
      // The input is read now, as a worker would begin to, whenever the answer comes.
      const memory = this.memory.loan();
      const giveBack = () => memory.giveBack();
      const answer = attempt(() => ({ ...runJob(this.jobs, job, this.hash, memory), giveBack }));
      return scheduler ? timer(latency, scheduler).pipe(map(() => this.open(answer))) : of(answer());
    });
  }

  private open<R>(answer: () => R): R {
    if (this.isClosed) throw computeClosed();
    return answer();
  }

  close(): Observable<never> {
    return defer(() => {
      this.isClosed = true;
      return EMPTY;
    });
  }
}

/** Runs a job that must give a result. */
export function resultOf(compute: Compute, job: Job): Observable<JobResult> {
  return compute
    .run(job)
    .pipe(throwIfEmpty(() => new MillraceError('IO', `The background job ${job.name} gave no result.`)));
}

/** @throws MillraceError `INVALID_ARGUMENT` where no job has this name, and whatever the job throws */
export function runJob(jobs: JobTable, job: Job, hash: Hash, memory: Loan): JobResult {
  if (!Object.hasOwn(jobs, job.name)) {
    throw new MillraceError('INVALID_ARGUMENT', `There is no job named ${JSON.stringify(job.name)}.`);
  }
  return jobs[job.name]!(job, hash, memory);
}

export function computeClosed(): MillraceError {
  return new MillraceError('CLOSED', 'The mill is closed, and background work with it.');
}

/** Does the work now and gives its outcome, also a bad one, when asked. */
function attempt<R>(work: () => R): () => R {
  try {
    const result = work();
    return () => result;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}
