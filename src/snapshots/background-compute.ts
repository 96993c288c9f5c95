import { defer, from, map, Observable, ReplaySubject, share, switchMap } from 'rxjs';
import type { Hash } from '../wal/hash.js';
import { type Compute, computeClosed, InlineCompute, type Job, type JobResult } from './compute.js';
import { COMPUTE_ENTRY } from './compute-entry.js';
import { WorkerCompute } from './worker-compute.js';

/** Jobs with less input take a few milliseconds: less than to start a thread. */
const INLINE_BYTES_MAX = 256 * 1024;

/** Small jobs on the caller's thread, others on a worker, which is made when the first of them comes. */
export class BackgroundCompute implements Compute {
  private readonly worker = new WorkerCompute(COMPUTE_ENTRY);
  /** The jobs, and the library that they need, are loaded when the first one comes. */
  private readonly inline: Observable<InlineCompute>;
  private isClosed = false;

  constructor(hash: Hash) {
    this.inline = defer(() => from(import('./jobs.js'))).pipe(
      map(({ JOBS }) => new InlineCompute(JOBS, hash)),
      share({ connector: () => new ReplaySubject(1), resetOnComplete: false, resetOnRefCountZero: false }),
    );
  }

  run(job: Job): Observable<JobResult> {
    return defer(() => {
      if (this.isClosed) throw computeClosed();
      const bytes = job.input.reduce((sum, { length }) => sum + length, 0);
      if (bytes > INLINE_BYTES_MAX) return this.worker.run(job);
      return this.inline.pipe(switchMap((inline) => inline.run(job)));
    });
  }

  close(): Observable<never> {
    return new Observable((subscriber) => {
      this.isClosed = true;
      return this.worker.close().subscribe(subscriber);
    });
  }
}
