import type { MessagePort } from 'node:worker_threads';
import { describe, type ErrorCode, type ErrorPosition, MillraceError } from '../errors.js';
import { loadHash } from '../wal/hash.js';
import { type Job, type JobResult, type JobTable, runJob } from './compute.js';
import { BlockMemory } from './segments/block-memory.js';

/** To the worker. */
export interface JobRequest {
  readonly id: number;
  readonly job: Job;
  /** Memory of results that came before, for the output of this one and of later ones. */
  readonly spare: ArrayBuffer[];
}

/** From the worker. */
export type JobReply =
  | { readonly id: number; readonly result: JobResult }
  | { readonly id: number; readonly failure: JobFailure };

/** An error on its way between threads, where classes are lost. */
export interface JobFailure extends ErrorPosition {
  readonly code: ErrorCode;
  readonly message: string;
  readonly stack?: string;
}

/** The worker's side: runs the jobs that come in, one after the other. */
export function serveJobs(port: MessagePort, jobs: JobTable): void {
  const memory = new BlockMemory();
  loadHash().subscribe((hash) => {
    port.on('message', ({ id, job, spare }: JobRequest) => {
      if (spare.length > 0) memory.put(spare);
      try {
        const result = runJob(jobs, job, hash, memory.loan());
        port.postMessage({ id, result } satisfies JobReply, transferable(result.output));
      } catch (error) {
        port.postMessage({ id, failure: toFailure(job, error) } satisfies JobReply);
      }
    });
  });
}

/** The buffers that can be moved to the other thread: each once, shared ones stay where they are. */
export function transferable(arrays: readonly Uint8Array[]): ArrayBuffer[] {
  const buffers = new Set(arrays.map((array) => array.buffer));
  return [...buffers].filter((buffer) => buffer instanceof ArrayBuffer);
}

function toFailure(job: Job, error: unknown): JobFailure {
  const stack = error instanceof Error ? error.stack : undefined;
  if (error instanceof MillraceError) {
    const { code, message, path, offset, commit, lsn, stream, column, row } = error;
    return { code, message, stack, path, offset, commit, lsn, stream, column, row };
  }
  return { code: 'IO', message: `The background job ${job.name} failed: ${describe(error)}`, stack };
}

export function fromFailure({ code, message, stack, ...position }: JobFailure): MillraceError {
  const known = Object.entries(position).filter(([, value]) => value !== undefined);
  const error = new MillraceError(code, message, Object.fromEntries(known));
  if (stack !== undefined) error.stack = stack;
  return error;
}
