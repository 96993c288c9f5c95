// The thread of the scenarios: jobs that say where they run, and jobs that go wrong.
import { isMainThread, parentPort, threadId } from 'node:worker_threads';
import { MillraceError } from '../../dist/errors.js';
import { serveJobs } from '../../dist/snapshots/compute-protocol.js';
import { JOBS } from '../../dist/snapshots/jobs.js';

serveJobs(parentPort, {
  ...JOBS,
  reverse: ({ input }) => ({
    output: input.map((bytes) => bytes.slice().reverse()),
    answer: { threadId, isMainThread },
  }),
  look: ({ input: [bytes] }) => ({
    output: [],
    answer: { isShared: bytes.buffer instanceof SharedArrayBuffer, buffer: bytes.buffer.byteLength },
  }),
  fill: ({ parameters }, _, memory) => {
    const bytes = memory.take(200_000);
    const found = bytes[0];
    return { output: [bytes.fill(parameters)], answer: found };
  },
  fail: () => {
    throw new MillraceError('CORRUPT_SEGMENT', 'as asked', { path: 'a', offset: 3 });
  },
  bug: () => {
    const x = 1;
    x();
  },
  die: () => process.exit(7),
  spin: ({ parameters }) => {
    const end = Date.now() + parameters;
    while (Date.now() < end);
    return { output: [], answer: 'spun' };
  },
});
