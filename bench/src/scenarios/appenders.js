import { inFreshDirectory } from '../directories.js';
import { collectGarbage, now, summary } from '../measure.js';
import { openMill } from '../millrace.js';
import { eventsFrom } from '../workload.js';

const APPENDERS = 1_000;

/** 1,000 callers that each await their own event, against a transaction per row. */
export async function run({ seconds, rounds, contenders, progress }) {
  const events = eventsFrom(0, 100_000);
  const sqlite = contenders.find(({ name }) => name === 'better-sqlite3');
  const mill = [];
  const peer = [];
  await millRound(events, 0.3);
  for (let round = 0; round < rounds; round++) {
    progress(`round ${round + 1}`);
    mill.push(await millRound(events, seconds));
    if (sqlite) peer.push(await sqliteRound(sqlite, events, seconds));
  }
  const line = (who, values) => ({ what: 'appenders', who, size: 1, unit: 'events/s', values, ...summary(values) });
  return [
    line('millrace, 1,000 appenders', mill),
    ...(sqlite ? [line('better-sqlite3, one-row transactions', peer)] : []),
  ];
}

function millRound(events, seconds) {
  return inFreshDirectory(async (directory) => {
    const { mill, readings } = await openMill(directory);
    collectGarbage();
    const startedAt = now();
    const endAt = startedAt + seconds * 1000;
    let count = 0;
    const appender = async () => {
      while (now() < endAt) await readings.append(events[count++ % events.length]);
    };
    await Promise.all(Array.from({ length: APPENDERS }, appender));
    const elapsed = (now() - startedAt) / 1000;
    await mill.close();
    return count / elapsed;
  });
}

function sqliteRound(sqlite, events, seconds) {
  return inFreshDirectory(async (directory) => {
    const session = sqlite.open(directory);
    collectGarbage();
    const startedAt = now();
    let count = 0;
    while (now() < startedAt + seconds * 1000) session.writeOne(events[count++ % events.length]);
    const elapsed = (now() - startedAt) / 1000;
    session.close();
    return count / elapsed;
  });
}
