import { Worker } from 'node:worker_threads';
import { Observable, type Subscriber } from 'rxjs';
import { describe, MillraceError } from '../errors.js';
import { type Compute, computeClosed, type Job, type JobResult } from './compute.js';
import { COMPUTE_ENTRY } from './compute-entry.js';
import { fromFailure, type JobReply, type JobRequest, transferable } from './compute-protocol.js';

/**
 * Runs jobs on one worker thread, one after the other. The thread is made with the first job and kept; it keeps the
 * process alive only while a job runs. Where it dies, the jobs that wait for it error, and the next job starts a new one.
 */
export class WorkerCompute implements Compute {
  private worker: Worker | null = null;
  private readonly waiting = new Map<number, Subscriber<JobResult>>();
  /** Memory of results that nobody needs any more: the thread gets it with the next job. */
  private spare: ArrayBuffer[] = [];
  private lastId = 0;
  private isClosed = false;

  /** `entry` is the module that the thread runs. */
  constructor(private readonly entry: URL = COMPUTE_ENTRY) {}

  run(job: Job): Observable<JobResult> {
    return new Observable((subscriber) => {
      if (this.isClosed) return subscriber.error(computeClosed());
      const input = job.owned ? job.input : job.input.map(withoutSurroundings);
      const { spare } = this;
      this.spare = [];
      const request: JobRequest = { id: ++this.lastId, job: { ...job, input }, spare };
      const worker = (this.worker ??= this.start());
      worker.postMessage(request, job.owned ? [...transferable(input), ...spare] : spare);
      this.waiting.set(request.id, subscriber);
      worker.ref();
    });
  }

  private start(): Worker {
    const worker = new Worker(this.entry);
    worker.unref();
    worker.on('message', (reply: JobReply) => this.answer(reply));
    worker.on('messageerror', (error) => this.died(worker, describe(error)));
    worker.on('error', (error) => this.died(worker, describe(error)));
    worker.on('exit', (code) => this.died(worker, `it ended with exit code ${code}`));
    return worker;
  }

  private answer(reply: JobReply): void {
    const subscriber = this.waiting.get(reply.id);
    this.waiting.delete(reply.id);
    if (this.waiting.size === 0) this.worker?.unref();
    if ('failure' in reply) {
      subscriber?.error(fromFailure(reply.failure));
    } else {
      const { result } = reply;
      const giveBack = () => {
        this.spare = transferable(result.output);
      };
      subscriber?.next({ ...result, giveBack });
      subscriber?.complete();
    }
  }

  /** The thread of a job that failed may be in any state: it is never used again. */
  private died(worker: Worker, reason: string): void {
    if (this.worker !== worker) return;
    this.worker = null;
    void worker.terminate();
    const message = `The thread for background work died: ${reason}. The job was not done; the next one starts a new thread.`;
    this.failAll(() => new MillraceError('IO', message));
  }

  private failAll(toError: () => MillraceError): void {
    const subscribers = [...this.waiting.values()];
    this.waiting.clear();
    for (const subscriber of subscribers) subscriber.error(toError());
  }

  /** Completes when the thread has ended. */
  close(): Observable<never> {
    return new Observable((subscriber) => {
      const { worker } = this;
      this.isClosed = true;
      this.worker = null;
      this.failAll(computeClosed);
      if (worker === null) return subscriber.complete();
      worker.once('exit', () => subscriber.complete());
      void worker.terminate();
    });
  }
}

/** A copied array takes the whole buffer behind it along: a small part of a large buffer is cut out first. */
function withoutSurroundings(bytes: Uint8Array): Uint8Array {
  const isAlone = bytes.buffer instanceof SharedArrayBuffer || bytes.byteLength === bytes.buffer.byteLength;
  return isAlone ? bytes : bytes.slice();
}
