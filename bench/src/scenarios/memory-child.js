import { openMill } from '../millrace.js';
import { eventsFrom } from '../workload.js';

/** Ingests new events and tells its parent its resident memory at every tenth of them, and at the end the highest. */
const [directory, total] = [process.argv[2], Number(process.argv[3])];
const BATCH = 1_000;
const IN_FLIGHT = 64;

const { mill, readings } = await openMill(directory);
const pending = [];
for (let events = 0; events < total; events += BATCH) {
  if (events % (total / 10) === 0) process.send({ events, rss: process.memoryUsage.rss() });
  pending.push(readings.appendMany(eventsFrom(events, BATCH)));
  if (pending.length >= IN_FLIGHT) await pending.shift();
}
await Promise.all(pending);
process.send({ events: total, rss: process.memoryUsage.rss() });
// The system's own highest mark, in KiB, which no sample can miss.
process.send({ events: total, rss: process.memoryUsage.rss(), rssMax: process.resourceUsage().maxRSS * 1024 });
await mill.close();
process.disconnect();
