import { inFreshDirectory } from '../directories.js';
import { collectGarbage, now, summary } from '../measure.js';
import { openMill } from '../millrace.js';
import { batchesOf, eventsFrom } from '../workload.js';

const BATCH = 1_000;
const IN_FLIGHT = 64;

/** Rows in by `appendMany`; then the mill is closed, opened, and read from the beginning by one subscriber. */
export async function run({ quick, rounds, progress }) {
  const batches = batchesOf(BATCH, eventsFrom(0, 200_000));
  const total = quick ? 1_000_000 : 8_000_000;
  await once(batches, 400_000);
  const measured = [];
  for (let round = 0; round < rounds; round++) {
    progress(`round ${round + 1}`);
    measured.push(await once(batches, total));
  }
  const line = (who, key) => {
    const values = measured.map((times) => total / (times[key] / 1000));
    return { what: 'replay', who, unit: 'events/s', values, ...summary(values) };
  };
  return [
    line('millrace, ingest of these rows', 'ingest'),
    line('millrace, start() over them', 'start'),
    line("millrace, from('earliest')", 'replay'),
  ];
}

/** Gives how long each step took, in milliseconds. */
function once(batches, total) {
  return inFreshDirectory(async (directory) => {
    const ingest = await ingestAll(directory, batches, total);
    collectGarbage();
    const startedAt = now();
    const { mill, readings } = await openMill(directory);
    const liveAt = now();
    const sum = await readAll(readings, total);
    const replayed = now() - liveAt;
    await mill.close();
    if (!Number.isFinite(sum)) throw new Error('the rows that were read back are not those that were written');
    return { ingest, start: liveAt - startedAt, replay: replayed };
  });
}

async function ingestAll(directory, batches, total) {
  const { mill, readings } = await openMill(directory);
  collectGarbage();
  const startedAt = now();
  const pending = [];
  for (let at = 0; at < total / BATCH; at++) {
    pending.push(readings.appendMany(batches[at % batches.length]));
    if (pending.length >= IN_FLIGHT) await pending.shift();
  }
  await Promise.all(pending);
  const elapsed = now() - startedAt;
  await mill.close();
  return elapsed;
}

function readAll(readings, total) {
  return new Promise((resolve, reject) => {
    let count = 0;
    let sum = 0;
    readings.from('earliest').subscribe({
      next(row) {
        sum += row.temperature;
        if (++count === total) resolve(sum);
      },
      error: reject,
    });
  });
}
