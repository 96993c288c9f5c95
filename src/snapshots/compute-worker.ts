import { parentPort } from 'node:worker_threads';
import { serveJobs } from './compute-protocol.js';
import { JOBS } from './jobs.js';

// What `WorkerCompute` starts as a thread.
if (parentPort) serveJobs(parentPort, JOBS);
