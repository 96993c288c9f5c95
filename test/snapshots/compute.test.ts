import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { lastValueFrom } from 'rxjs';
import { MillraceError } from '../../src/errors.js';
import { InlineCompute, type Job, type JobTable } from '../../src/snapshots/compute.js';
import { JOBS } from '../../src/snapshots/jobs.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { type Hash, loadHash } from '../../src/wal/hash.js';
import { now } from '../storage/support.js';

const jobs: JobTable = {
  reverse: ({ input, parameters }, hash) => ({
    output: input.map((bytes) => bytes.toReversed()),
    answer: { parameters, hash: String(hash(input[0]!)) },
  }),
  fail: () => {
    throw new MillraceError('CORRUPT_SEGMENT', 'as asked', { path: 'a', offset: 3 });
  },
};
const job = (name: string): Job => ({ name, parameters: { n: 1 }, input: [Uint8Array.of(1, 2, 3)] });

let hash: Hash;
beforeAll(async () => {
  hash = await lastValueFrom(loadHash());
});

describe('InlineCompute', () => {
  it('answers at once', () => {
    const { output, answer } = now(new InlineCompute(jobs, hash).run(job('reverse')));
    expect(output).toEqual([Uint8Array.of(3, 2, 1)]);
    expect(answer).toEqual({ parameters: { n: 1 }, hash: String(hash(Uint8Array.of(1, 2, 3))) });
  });

  it('is cold: a job begins when it is subscribed', () => {
    let runs = 0;
    const count: JobTable = { count: () => ({ output: [], answer: ++runs }) };
    const counting = new InlineCompute(count, hash).run(job('count'));
    expect([runs, now(counting).answer, now(counting).answer]).toEqual([0, 1, 2]);
  });

  it('answers on a scheduler after a latency, from the input as it was', () => {
    const clock = new VirtualClock();
    const compute = new InlineCompute(jobs, hash, { scheduler: clock, latency: 20 });
    const asked = job('reverse');
    const seen: unknown[] = [];
    compute
      .run(asked)
      .subscribe({ next: ({ output }) => seen.push([...output[0]!]), complete: () => seen.push('complete') });
    asked.input[0]!.fill(9);
    clock.advanceBy(19);
    expect(seen).toEqual([]);
    clock.advanceBy(1);
    expect(seen).toEqual([[3, 2, 1], 'complete']);
  });

  it('gives the error of a job, and one for a job that there is not', () => {
    const compute = new InlineCompute(jobs, hash);
    expect(() => now(compute.run(job('fail')))).toThrow('as asked');
    expect(() => now(compute.run(job('toString')))).toThrow('There is no job named "toString"');
  });

  it('refuses jobs once it is closed, and ends those that run', () => {
    const clock = new VirtualClock();
    const compute = new InlineCompute(jobs, hash, { scheduler: clock, latency: 5 });
    const errors: string[] = [];
    compute.run(job('reverse')).subscribe({ error: (error: MillraceError) => errors.push(error.code) });
    now(compute.close());
    now(compute.close());
    clock.advanceBy(5);
    expect(errors).toEqual(['CLOSED']);
    expect(() => now(compute.run(job('reverse')))).toThrow('The mill is closed');
  });
});

describe('The jobs', () => {
  it('are those that a mill needs', () => {
    expect(Object.keys(JOBS)).toEqual(['buildBlocks', 'buildSegment', 'sumEntries', 'sealSegment', 'sortBlocks']);
  });
});

/** What worker-compute-scenarios.mjs prints, which runs the built code: threads need files that Node can load. */
async function scenario(name: string): Promise<unknown> {
  const script = `${__dirname}/worker-compute-scenarios.mjs`;
  const { stdout } = await promisify(execFile)(process.execPath, [script, name], { timeout: 20_000 });
  return JSON.parse(stdout);
}

describe('WorkerCompute', () => {
  it('runs jobs one after the other on one thread', async () => {
    expect(await scenario('jobs')).toEqual({
      outputs: [
        [3, 2, 1],
        [6, 5],
      ],
      threads: 1,
      isMainThread: false,
    });
  });

  it('reads shared input in place, copies other input without what is around it, moves input that it owns', async () => {
    expect(await scenario('input')).toEqual({
      shared: { isShared: true, buffer: 64 },
      part: { isShared: false, buffer: 8 },
      owned: { isShared: false, buffer: 16 },
      lengthAfter: { part: 8, owned: 0 },
    });
  });

  it('builds a segment as it is built in line', async () => {
    expect(await scenario('segment')).toEqual({ isSame: true });
  });

  it('has the memory of a result for a later one, once it is given back', async () => {
    expect(await scenario('memory')).toEqual({ untouched: 7, found: 7, lengthAfter: 0, others: [8, 9] });
  });

  it('gives the error of a job, and goes on', async () => {
    expect(await scenario('errors')).toEqual({
      known: { isMillraceError: true, code: 'CORRUPT_SEGMENT', message: 'as asked', path: 'a', offset: 3 },
      unknown: { isMillraceError: true, code: 'IO', message: 'The background job bug failed: x is not a function' },
      missing: { isMillraceError: true, code: 'INVALID_ARGUMENT', message: 'There is no job named "nothing".' },
      after: [3, 2, 1],
    });
  });

  it('tells those who wait when the thread dies, and starts a new one', async () => {
    const died = {
      isMillraceError: true,
      code: 'IO',
      message: expect.stringMatching(
        /^The thread for background work died: .* exit code 7\. .* the next one starts a new thread/,
      ),
    };
    expect(await scenario('death')).toEqual({ first: died, second: died, after: [3, 2, 1], threads: 2 });
  });

  it('keeps the process alive while a job runs, not while it is idle', async () => {
    expect(await scenario('idle')).toEqual({ answered: true });
  });

  it('ends the thread when it is closed, with an error for who waits', async () => {
    expect(await scenario('close')).toEqual({
      running: 'CLOSED',
      after: 'CLOSED',
      closedTwice: true,
      closedUnused: true,
    });
  });
});
