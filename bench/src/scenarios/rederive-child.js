import { openDerived } from '../derived.js';

/** Opens a mill with the pipeline, and tells how long it took until everything that is there had its turns. */
const startedAt = performance.now();
const { mill, perMinute } = await openDerived(process.argv[2], { isDerived: true });
const started = performance.now() - startedAt;
while (perMinute.status.state === 'catchingUp') await new Promise((resolve) => setTimeout(resolve, 1));
const live = performance.now() - startedAt;
if (perMinute.status.state !== 'live') throw new Error(`it is not live: ${JSON.stringify(perMinute.status)}`);
process.send({ started, live, replayed: mill.recovery.events, rows: await perMinute.count() });
await mill.close();
process.disconnect();
