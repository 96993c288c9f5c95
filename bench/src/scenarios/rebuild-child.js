import { appendToEach, endDay, openManyKeys } from '../many-keys.js';

/**
 * One step of the scenario, in a process of its own: `ingest` without the pipeline, `rebuild` the state of the pipeline from history, `restart` with
 * what the checkpoint at close saved of it. Tells how long that took, and after a restart what the state was.
 */
const [directory, step, keys, rounds] = process.argv.slice(2);

if (step === 'ingest') {
  const { mill, readings } = await openManyKeys(directory, { isDerived: false });
  for (let round = 0; round < Number(rounds); round++) await appendToEach(readings, Number(keys), round);
  await mill.close();
  process.send({ isThrough: true });
} else {
  const startedAt = performance.now();
  const { mill, readings, daily } = await openManyKeys(directory, { isDerived: true });
  while (daily.status.state === 'catchingUp') await new Promise((resolve) => setTimeout(resolve, 1));
  const elapsed = performance.now() - startedAt;
  if (daily.status.state !== 'live') throw new Error(`it is not live: ${JSON.stringify(daily.status)}`);
  process.send({ elapsed, ...(step === 'restart' ? await endDay(readings, daily) : {}) });
  await mill.close();
}
process.disconnect();
