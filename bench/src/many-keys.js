import { join } from 'node:path';
import {
  avg,
  count,
  float64,
  key,
  Millrace,
  max,
  string,
  sum,
  timestamp,
  tumbling,
  windowed,
} from '../../dist/index.js';
import { FIRST_TS } from './workload.js';

const schema = { ts: timestamp(), device: key(string()), temperature: float64(), humidity: float64() };
const DAY_MS = 86_400_000;
const SLICE = 50_000;

/** A mill whose pipeline has a window of a day open for every key that it has seen. */
export async function openManyKeys(directory, { isDerived, ...options }) {
  const mill = new Millrace(join(directory, 'mill'), options);
  const readings = mill.stream('readings', { schema });
  const daily = isDerived ? mill.stream('daily', { from: pipelineOf(readings) }) : null;
  await mill.start();
  return { mill, readings, daily };
}

function pipelineOf(readings) {
  return readings.pipe(
    windowed(tumbling(DAY_MS), {
      by: 'device',
      aggregate: { mean: avg('temperature'), peak: max('temperature'), total: sum('humidity'), n: count() },
    }),
  );
}

export const deviceAt = (at) => `device-${String(at).padStart(7, '0')}`;

/** An event of a key, on the first day. */
export const eventOf = (at, ts) => ({
  ts: FIRST_TS + ts,
  device: deviceAt(at),
  temperature: at % 40,
  humidity: at % 100,
});

/** One event for each of the first `keys` keys. */
export async function appendToEach(readings, keys, ts) {
  for (let first = 0; first < keys; first += SLICE) {
    const count = Math.min(SLICE, keys - first);
    await readings.appendColumns({
      ts: new Float64Array(count).fill(FIRST_TS + ts),
      device: Array.from({ length: count }, (_, at) => deviceAt(first + at)),
      temperature: Float64Array.from({ length: count }, (_, at) => (first + at) % 40),
      humidity: Float64Array.from({ length: count }, (_, at) => (first + at) % 100),
    });
  }
}

/** The day ends for all: gives how many windows there were, and of how many events. */
export async function endDay(readings, daily) {
  await readings.append({ ...eventOf(0, 3 * DAY_MS), device: 'the last' });
  let [windows, events] = [0, 0];
  await daily.history().forEach(({ n }) => {
    windows++;
    events += n;
  });
  return { windows, events };
}
