import { openMill } from '../millrace.js';
import { eventsFrom } from '../workload.js';

/**
 * Ingests new events and tells its parent how fast and its resident memory, at every tenth of them. Then it goes on ingesting
 * until it is killed: a mill is hardly ever killed in a quiet moment.
 */
const [directory, total] = [process.argv[2], Number(process.argv[3])];
const BATCH = 1_000;
const IN_FLIGHT = 64;

const { readings } = await openMill(directory);
const pending = [];
let since = performance.now();
for (let events = 0; ; events += BATCH) {
  if (events > 0 && events <= total && events % (total / 10) === 0) {
    const now = performance.now();
    process.send({ events, rss: process.memoryUsage.rss(), rate: total / 10 / ((now - since) / 1000) });
    since = now;
  }
  pending.push(readings.appendMany(eventsFrom(events, BATCH)));
  if (pending.length >= IN_FLIGHT) await pending.shift();
}
