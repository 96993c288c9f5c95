// Run by compute.test.ts with the name of a scenario; prints what was seen as JSON. Uses the built code.
import { createHash } from 'node:crypto';
import { lastValueFrom } from 'rxjs';
import { MillraceError } from '../../dist/errors.js';
import { InlineCompute } from '../../dist/snapshots/compute.js';
import { JOBS } from '../../dist/snapshots/jobs.js';
import { packEntries } from '../../dist/snapshots/segments/packed-entries.js';
import { WorkerCompute } from '../../dist/snapshots/worker-compute.js';
import { EventEntryBuilder } from '../../dist/wal/event-entry.js';
import { loadHash } from '../../dist/wal/hash.js';

const entry = new URL('./worker-compute-jobs.mjs', import.meta.url);
const compute = new WorkerCompute(entry);
const run = (name, input = [Uint8Array.of(1, 2, 3)], more = {}, on = compute) =>
  lastValueFrom(on.run({ name, parameters: null, input, ...more }));
const errorOf = (promise) =>
  promise.then(
    () => 'nothing',
    (error) => {
      const { code, message, path, offset } = error;
      return { isMillraceError: error instanceof MillraceError, code, message, path, offset };
    },
  );
const close = (which = compute) => lastValueFrom(which.close(), { defaultValue: true });

const scenarios = {
  async jobs() {
    const results = await Promise.all([run('reverse'), run('reverse', [Uint8Array.of(5, 6)])]);
    return {
      outputs: results.map(({ output }) => [...output[0]]),
      threads: new Set(results.map(({ answer }) => answer.threadId)).size,
      isMainThread: results[0].answer.isMainThread,
    };
  },
  async input() {
    const shared = new Uint8Array(new SharedArrayBuffer(64), 8, 8);
    const part = new Uint8Array(new ArrayBuffer(1_000), 8, 8);
    const owned = new Uint8Array(16);
    const looks = [await run('look', [shared]), await run('look', [part]), await run('look', [owned], { owned: true })];
    return {
      shared: looks[0].answer,
      part: looks[1].answer,
      owned: looks[2].answer,
      lengthAfter: { part: part.length, owned: owned.length },
    };
  },
  async memory() {
    const first = await run('fill', [], { parameters: 7 });
    const second = await run('fill', [], { parameters: 8 });
    const untouched = first.output[0][0];
    first.giveBack();
    const third = await run('fill', [], { parameters: 9 });
    return {
      untouched,
      found: third.answer,
      lengthAfter: first.output[0].length,
      others: [second, third].map(({ output }) => output[0].at(-1)),
    };
  },
  async segment() {
    const layout = { id: 1, version: 1, columns: [{ name: 'ts', type: 'timestamp', role: 'time', optional: false }] };
    const builder = new EventEntryBuilder(layout);
    for (let row = 0; row < 1_000; row++) {
      builder.room(1);
      builder.columns[0].set(row, row);
      builder.commitRow(0, row);
    }
    const bytes = new Uint8Array(builder.toEntry().byteLength);
    builder.toEntry().encode(bytes, 0);
    const input = packEntries([{ bytes, firstLsn: 1 }]);
    const inline = new InlineCompute(JOBS, await lastValueFrom(loadHash()));
    const real = new WorkerCompute();
    const digests = [];
    for (const on of [inline, real]) {
      const { output, answer } = await run('buildSegment', input, { parameters: { layout } }, on);
      digests.push(createHash('sha256').update(Buffer.concat(output)).update(JSON.stringify(answer)).digest('hex'));
    }
    return { isSame: digests[0] === digests[1] };
  },
  async errors() {
    const [known, unknown, missing] = await Promise.all(['fail', 'bug', 'nothing'].map((name) => errorOf(run(name))));
    return { known, unknown, missing, after: [...(await run('reverse')).output[0]] };
  },
  async death() {
    const before = (await run('reverse')).answer.threadId;
    const [first, second] = await Promise.all([errorOf(run('die')), errorOf(run('reverse'))]);
    const { output, answer } = await run('reverse');
    return { first, second, after: [...output[0]], threads: new Set([before, answer.threadId]).size };
  },
  /** Nothing but the job keeps the process alive; afterwards nothing does. */
  idle: () =>
    new Promise((resolve) => {
      compute.run({ name: 'spin', parameters: 300, input: [] }).subscribe(({ answer }) => {
        resolve({ answered: answer === 'spun' });
      });
    }),
  async close() {
    await run('reverse');
    const running = errorOf(run('spin', [], { parameters: 60_000 }));
    await close();
    return {
      running: (await running).code,
      after: (await errorOf(run('reverse'))).code,
      closedTwice: await close(),
      closedUnused: await close(new WorkerCompute(entry)),
    };
  },
};

process.stdout.write(JSON.stringify(await scenarios[process.argv[2]]()));
