import { inFreshDirectory } from '../directories.js';
import { collectGarbage, now, quantile, summary } from '../measure.js';
import { openMill } from '../millrace.js';
import { startProbe, unexplained } from '../stalls.js';
import { eventsFrom } from '../workload.js';

const CALLERS = 1_000;
const STALL_MS = 50;
const WARM_UP_SECONDS = 2;
/** Appends that wait at most: more of them would be memory, not load. */
const OUTSTANDING_MAX = 100_000;
const NEVER = { checkpointInterval: '1d', checkpointBytes: 2 ** 40, unsavedBytesMax: 2 ** 40 };
const OFTEN = { checkpointInterval: '1s' };

/**
 * How long `append` takes at half of full speed, with a checkpoint every second and without any, in turns. Another process writes
 * and syncs a file of its own meanwhile: where it stalls too, the disk did.
 */
export async function run({ quick, rounds, progress }) {
  const events = eventsFrom(0, 20_000);
  const full = await inFreshDirectory((directory) => fullSpeed(directory, events));
  const seconds = quick ? 2 : 6;
  const found = { without: [], with: [] };
  for (let round = 0; round < rounds; round++) {
    for (const [name, options] of Object.entries({ without: NEVER, with: OFTEN })) {
      progress(`round ${round + 1}: ${name}`);
      found[name].push(await inFreshDirectory((directory) => paced(directory, options, events, full / 2, seconds)));
    }
  }
  const line = (who, values, unit = 'ms') => ({ what: 'append at half speed', who, unit, values, ...summary(values) });
  const of = (runs, key) => runs.map((one) => one[key]);
  return [
    line('full speed, 1,000 callers', [full], 'events/s'),
    line('p99.9 without checkpoints', of(found.without, 'p999')),
    line('p99.9 with checkpoints', of(found.with, 'p999')),
    line('slowest without checkpoints', of(found.without, 'max')),
    line('slowest with checkpoints', of(found.with, 'max')),
    line('checkpoints in a run', of(found.with, 'checkpoints'), ''),
    line('stalls over 50 ms with checkpoints that the disk did not have', of(found.with, 'stalls'), ''),
    line('the same without checkpoints', of(found.without, 'stalls'), ''),
  ];
}

async function fullSpeed(directory, events) {
  const { mill, readings } = await openMill(directory, NEVER);
  const call = async (first, until) => {
    let count = 0;
    for (let at = first; now() < until; at++, count++) await readings.append(events[at % events.length]);
    return count;
  };
  const round = async (milliseconds) => {
    const startedAt = now();
    const counts = await Promise.all(
      Array.from({ length: CALLERS }, (_, caller) => call(caller * 17, startedAt + milliseconds)),
    );
    return counts.reduce((sum, count) => sum + count, 0) / ((now() - startedAt) / 1000);
  };
  await round(500);
  const speed = await round(2_000);
  await mill.close();
  return speed;
}

/** Appends so many events a second, whenever they are due, and notes how long each takes. */
async function paced(directory, options, events, perSecond, seconds) {
  const probe = await startProbe(directory);
  const { mill, readings } = await openMill(directory, options);
  let checkpoints = 0;
  mill.status$.subscribe(({ checkpoint }) => {
    if (checkpoint?.kind === 'completed') checkpoints++;
  });
  const times = new Float64Array(Math.ceil(perSecond * seconds));
  const stalls = [];
  let done = 0;
  const append = async (event) => {
    const startedAt = now();
    await readings.append(event);
    const elapsed = now() - startedAt;
    times[done++] = elapsed;
    if (elapsed > STALL_MS) stalls.push([performance.timeOrigin + startedAt, elapsed]);
  };
  const begin = (at) => append(events[at % events.length]);
  await paceFor(WARM_UP_SECONDS, perSecond, times.length, begin);
  [done, checkpoints, stalls.length] = [0, 0, 0];
  collectGarbage();
  await paceFor(seconds, perSecond, times.length, begin);
  const slow = await probe.stop();
  await mill.close();
  const all = times.subarray(0, done);
  return {
    p999: quantile(all, 0.999),
    max: quantile(all, 1),
    checkpoints,
    stalls: unexplained(stalls, slow, STALL_MS),
  };
}

function paceFor(seconds, perSecond, total, begin) {
  return new Promise((resolve, reject) => {
    const startedAt = now();
    let begun = 0;
    let outstanding = 0;
    const turn = () => {
      const elapsed = (now() - startedAt) / 1000;
      const due = Math.min(total, Math.floor(Math.min(elapsed, seconds) * perSecond));
      for (; begun < due && outstanding < OUTSTANDING_MAX; begun++, outstanding++)
        begin(begun).then(() => outstanding--, reject);
      if (elapsed < seconds) setImmediate(turn);
      else if (outstanding > 0) setTimeout(turn, 1);
      else resolve();
    };
    turn();
  });
}
