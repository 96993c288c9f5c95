import { BATCH, ingest, openDerived, Timeline } from '../derived.js';
import { inFreshDirectory } from '../directories.js';
import { collectGarbage, now, rotated, summary } from '../measure.js';
import { openSqliteWindows, WAYS } from '../peers/sqlite-windows.js';

/**
 * End to end: rows in by `appendMany`, durable at sync → map → filter → windows of 1,000 keys → a derived stream, against the same rows into
 * a stream without a pipeline, and against SQLite that keeps the aggregates in a table beside the rows.
 */
export async function run({ quick, rounds, progress }) {
  const total = quick ? 500_000 : 4_000_000;
  const timeline = new Timeline();
  const contenders = {
    'millrace, plain stream': (directory) => mill(directory, timeline, total, false),
    'millrace, windows into a derived stream': (directory) => mill(directory, timeline, total, true),
  };
  for (const way of Object.keys(WAYS))
    for (const batch of [1_000, 10_000])
      contenders[`better-sqlite3, ${way}, batches of ${batch.toLocaleString('en')}`] = (directory) =>
        sqlite(directory, timeline, Math.min(total, 1_000_000), way, batch);
  const values = Object.fromEntries(Object.keys(contenders).map((who) => [who, []]));
  // The first round warms up.
  for (let round = -1; round < rounds; round++) {
    for (const [who, measure] of rotated(Object.entries(contenders), Math.max(0, round))) {
      progress(`round ${round + 1}: ${who}`);
      collectGarbage();
      timeline.restart();
      const rate = await inFreshDirectory(measure);
      if (round >= 0 && rate !== null) values[who].push(rate);
    }
  }
  return Object.entries(values)
    .filter(([, rates]) => rates.length > 0)
    .map(([who, rates]) => ({ what: 'derive', who, unit: 'events/s', values: rates, ...summary(rates) }));
}

async function mill(directory, timeline, total, isDerived) {
  const { mill, readings, perMinute } = await openDerived(directory, { isDerived });
  const elapsed = await ingest(readings, timeline, total);
  if (isDerived && (perMinute.status.state !== 'live' || (await perMinute.count()) === 0))
    throw new Error(`nothing was derived: ${JSON.stringify(perMinute.status)}`);
  await mill.close();
  return total / (elapsed / 1000);
}

async function sqlite(directory, timeline, total, way, batch) {
  const database = await openSqliteWindows(directory, way);
  if (database === null) return null;
  const startedAt = now();
  for (let events = 0; events < total; events += batch) {
    const rows = Array.from({ length: batch / BATCH }, () => timeline.take()).flat();
    database.write(rows);
  }
  const elapsed = now() - startedAt;
  if (database.events() === 0) throw new Error('SQLite has no windows');
  database.close();
  return total / (elapsed / 1000);
}
