import { openMill } from '../millrace.js';

/** Opens a mill that was killed, in a process of its own, and tells how long that took and what was replayed. */
const startedAt = performance.now();
const { mill, readings } = await openMill(process.argv[2]);
const elapsed = performance.now() - startedAt;
process.send({ elapsed, replayed: mill.recovery.events, count: await readings.count() });
await mill.close();
process.disconnect();
