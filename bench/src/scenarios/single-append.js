import { inFreshDirectory } from '../directories.js';
import { collectGarbage, now, quantile, summary } from '../measure.js';
import { openMill } from '../millrace.js';
import { BareFile } from '../peers/bare-file.js';
import { eventsFrom } from '../workload.js';

/** Appends in a slice. Slices of the two take turns, so that both see the same disk and the same machine. */
const SLICE = 100;

/** How long one `append` takes while nothing else goes on, against a bare write + fdatasync of as many bytes. */
export function run({ quick, progress }) {
  const events = eventsFrom(0, SLICE);
  const slices = quick ? 10 : 80;
  return inFreshDirectory(async (directory) => {
    const { mill, readings } = await openMill(directory);
    const file = new BareFile(directory);
    await appendAll(readings, events);
    const bytes = Buffer.alloc(await frameBytes(mill, readings, events[0]), 'millrace');
    await writeAll(file, bytes);
    const millTimes = [];
    const bareTimes = [];
    collectGarbage();
    for (let slice = 0; slice < slices; slice++) {
      if (slice % 20 === 0) progress(`slice ${slice + 1} of ${slices}`);
      bareTimes.push(await writeAll(file, bytes));
      millTimes.push(await appendAll(readings, events));
    }
    file.close();
    await mill.close();
    return [
      ...linesOf('millrace, one append at a time', millTimes, bytes.length),
      ...linesOf('bare write + fdatasync', bareTimes, bytes.length),
    ];
  });
}

async function frameBytes(mill, readings, event) {
  const before = mill.metrics().bytes;
  await readings.append(event);
  return mill.metrics().bytes - before;
}

async function appendAll(readings, events) {
  const times = [];
  for (const event of events) {
    const startedAt = now();
    await readings.append(event);
    times.push(now() - startedAt);
  }
  return times;
}

function writeAll(file, bytes) {
  return new Promise((resolve) => {
    const times = [];
    const next = () => {
      if (times.length === SLICE) return resolve(times);
      const startedAt = now();
      file.write(bytes, () => {
        times.push(now() - startedAt);
        next();
      });
    };
    next();
  });
}

/** The quantiles over all appends; `values` are those of each slice. */
function linesOf(who, slices, size) {
  return [0.5, 0.99].map((q) => {
    const values = slices.map((times) => quantile(times, q) * 1000);
    const all = quantile(slices.flat(), q) * 1000;
    return { what: `single p${q * 100}`, who, size, unit: 'µs', values, ...summary(values), median: all };
  });
}
