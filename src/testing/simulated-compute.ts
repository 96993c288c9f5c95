import { defer, type Observable, switchMap } from 'rxjs';
import {
  type Compute,
  computeClosed,
  InlineCompute,
  type InlineOptions,
  type Job,
  type JobResult,
} from '../snapshots/compute.js';
import { JOBS } from '../snapshots/jobs.js';
import { loadHash } from '../wal/hash.js';

/**
 * Does a mill's background work on the caller's thread, at once or after a latency of virtual time, so that a simulation is the
 * same in every run.
 *
 * @example
 * const mill = new Millrace('/plant', { storage, scheduler: clock, compute: new SimulatedCompute({ scheduler: clock, latency: 5 }) });
 */
export class SimulatedCompute implements Compute {
  private inline: InlineCompute | null = null;
  private isClosed = false;

  constructor(private readonly options: InlineOptions = {}) {}

  run(job: Job): Observable<JobResult> {
    return loadHash().pipe(
      switchMap((hash) => {
        if (this.isClosed) throw computeClosed();
        this.inline ??= new InlineCompute(JOBS, hash, this.options);
        return this.inline.run(job);
      }),
    );
  }

  close(): Observable<never> {
    return defer(() => {
      this.isClosed = true;
      return this.inline?.close() ?? [];
    });
  }
}
