import { join } from 'node:path';
import { filter, map } from 'rxjs'; // The library's own copy, which Node finds in the folder above.
import { avg, count, Millrace, max, sum, tumbling, windowed } from '../../dist/index.js';
import { schema } from './millrace.js';
import { eventsFrom, FIRST_TS } from './workload.js';

export const WINDOW_MS = 60_000;
export const LATENESS_MS = 10_000;
export const BATCH = 1_000;
/** As many events as in `rows`: one commit is written while the next one fills. */
const IN_FLIGHT = 128;

/** What the pipeline does with an event before it gets into a window. */
export const toFahrenheit = ({ ts, device, temperature, humidity, status }) => ({
  ts,
  device,
  temperature: temperature * 1.8 + 32,
  humidity,
  status,
});
export const isSound = ({ status }) => status !== 7;

/** append → map → filter → windows of 1,000 keys with four aggregates → a derived stream. */
function pipelineOf(readings) {
  return readings.pipe(
    map(toFahrenheit),
    filter(isSound),
    windowed(tumbling(WINDOW_MS), {
      by: 'device',
      lateness: LATENESS_MS,
      aggregate: { mean: avg('temperature'), peak: max('temperature'), total: sum('humidity'), n: count() },
    }),
  );
}

/** A mill with the workload's stream, with or without the pipeline. */
export async function openDerived(directory, { isDerived, ...options }) {
  const mill = new Millrace(join(directory, 'mill'), options);
  const readings = mill.stream('readings', { schema });
  const perMinute = isDerived ? mill.stream('per_minute', { from: pipelineOf(readings) }) : null;
  await mill.start();
  return { mill, readings, perMinute };
}

/** Batches whose events are given new times whenever they are taken: one each millisecond, over all batches. */
export class Timeline {
  #batches = Array.from({ length: 4 * IN_FLIGHT }, () => eventsFrom(0, BATCH));
  #taken = 0;
  #next = FIRST_TS;

  restart() {
    this.#next = FIRST_TS;
  }

  /** Nobody may still have the one that was taken four times as many batches ago as are in flight. */
  take() {
    const batch = this.#batches[this.#taken++ % this.#batches.length];
    for (const event of batch) event.ts = this.#next++;
    return batch;
  }
}

/** Appends so many events of a timeline, as they are durable at level sync. Gives the milliseconds that took. */
export async function ingest(readings, timeline, total) {
  const startedAt = performance.now();
  const pending = [];
  for (let events = 0; events < total; events += BATCH) {
    pending.push(readings.appendMany(timeline.take()));
    if (pending.length >= IN_FLIGHT) await pending.shift();
  }
  await Promise.all(pending);
  return performance.now() - startedAt;
}
