import { fork } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inFreshDirectory } from '../directories.js';
import { collectGarbage, now, summary } from '../measure.js';
import { openMill } from '../millrace.js';
import { SqliteHistory } from '../peers/sqlite-history.js';
import { deviceNames, FIRST_TS } from '../workload.js';

const HOUR = 3_600_000;

/**
 * 50 million events: ingest rate and memory as they go in, restart after kill -9 early and late, then queries and scans
 * against SQLite with the same events and an index on (device, ts).
 */
export async function run({ quick, rounds, progress }) {
  const total = quick ? 2_000_000 : 50_000_000;
  const early = total / 10;
  const lines = [];
  const ingests = [];
  const restarts = { early: [], late: [] };
  for (let round = 0; round < Math.min(rounds, 3); round++) {
    await inFreshDirectory(async (directory) => {
      progress(`round ${round + 1}: ${early / 1e6} M, then kill -9`);
      await killed(directory, early, () => {});
      restarts.early.push(await restarted(directory));
    });
    const isLast = round === Math.min(rounds, 3) - 1;
    await inFreshDirectory(async (directory) => {
      const tell = ({ events }) => progress(`round ${round + 1}: ${events / 1e6} M events`);
      ingests.push(await killed(directory, total, tell));
      restarts.late.push(await restarted(directory));
      if (isLast) lines.push(...(await reading(directory, { quick, progress })));
    });
  }
  return [...ingestLines(ingests), ...restartLines(restarts, early, total), ...lines];
}

/** Ingests `total` events and a little more, then kills the process. Gives what it told. */
function killed(directory, total, tell) {
  return new Promise((resolve, reject) => {
    const told = [];
    const child = fork(fileURLToPath(new URL('history-child.js', import.meta.url)), [directory, String(total)], {
      execArgv: [],
    });
    child.on('message', (message) => {
      told.push(message);
      tell(message);
      if (message.events === total) child.kill('SIGKILL');
    });
    child.on('error', reject);
    child.on('exit', (_, signal) => (signal === 'SIGKILL' ? resolve(told) : reject(new Error('the child ended'))));
  });
}

function restarted(directory) {
  return new Promise((resolve, reject) => {
    let answer;
    const child = fork(fileURLToPath(new URL('history-restart-child.js', import.meta.url)), [directory], {
      execArgv: [],
    });
    child.on('message', (message) => {
      answer = message;
    });
    child.on('error', reject);
    child.on('exit', (code) => (code === 0 ? resolve(answer) : reject(new Error(`the child ended: ${code}`))));
  });
}

function ingestLines(ingests) {
  const line = (who, unit, values) => ({ what: 'history', who, unit, values, ...summary(values) });
  const at = (told, tenth) => told[Math.round(tenth * told.length) - 1];
  return [
    line(
      'ingest, first tenth',
      'events/s',
      ingests.map((told) => at(told, 0.1).rate),
    ),
    line(
      'ingest, last tenth',
      'events/s',
      ingests.map((told) => at(told, 1).rate),
    ),
    {
      ...line(
        'RSS after the first tenth',
        'MB',
        ingests.map((told) => at(told, 0.1).rss / 1e6),
      ),
      curve: ingests.at(-1).map(({ events, rss }) => [events / 1e6, Math.round(rss / 1e6)]),
    },
    line(
      'RSS at the end',
      'MB',
      ingests.map((told) => at(told, 1).rss / 1e6),
    ),
  ];
}

function restartLines(restarts, early, total) {
  const line = (who, values) => ({ what: 'restart', who, unit: 'ms', values, ...summary(values) });
  const replayed = (found) => Math.round(summary(found.map((one) => one.replayed)).median / 1000);
  return [
    line(
      `after kill -9 at ${early / 1e6} M events (${replayed(restarts.early)} k replayed)`,
      restarts.early.map(({ elapsed }) => elapsed),
    ),
    line(
      `after kill -9 at ${total / 1e6} M events (${replayed(restarts.late)} k replayed)`,
      restarts.late.map(({ elapsed }) => elapsed),
    ),
  ];
}

async function reading(directory, { quick, progress }) {
  const { mill, readings } = await openMill(directory);
  await mill.checkpoint();
  const count = await readings.count();
  progress('filling SQLite with the same events');
  const sqlite = await SqliteHistory.of(directory, readings);
  if (sqlite !== null && sqlite.count !== count) throw new Error(`SQLite has ${sqlite.count} of ${count} events`);
  progress('queries');
  const lines = [];
  const spanMs = count;
  const queries = Array.from({ length: quick ? 10 : 100 }, (_, at) => ({
    device: deviceNames[(at * 37) % deviceNames.length],
    from: FIRST_TS + Math.floor(((at * 0.618) % 1) * Math.max(0, spanMs - HOUR)),
  }));
  lines.push(...(await oneKey(readings, sqlite, queries)));
  progress('scans');
  lines.push(...(await scans(readings, sqlite, count, quick ? 1 : 3)));
  lines.push(bytesLine('millrace', bytesIn(join(directory, 'mill')) / count));
  if (sqlite !== null) lines.push(bytesLine('better-sqlite3, index on (device, ts)', sqlite.bytes / count));
  sqlite?.close();
  await mill.close();
  return lines;
}

/** The two take turns; what they find must be the same. */
async function oneKey(readings, sqlite, queries) {
  const times = { mill: [], sqlite: [] };
  collectGarbage();
  for (const { device, from } of [...queries.slice(0, 5), ...queries]) {
    let startedAt = now();
    const rows = [];
    await readings.history({ where: { device }, from, to: from + HOUR }).forEach((row) => void rows.push(row));
    times.mill.push(now() - startedAt);
    if (sqlite === null) continue;
    startedAt = now();
    const expected = sqlite.query(device, from, from + HOUR);
    times.sqlite.push(now() - startedAt);
    if (expected.length !== rows.length) throw new Error(`history found ${rows.length} of ${expected.length} rows`);
  }
  const line = (who, values) => ({ what: 'one key, one hour', who, unit: 'ms', values, ...summary(values) });
  return [
    line('millrace, history()', times.mill.slice(5)),
    ...(sqlite === null ? [] : [line('better-sqlite3, index on (device, ts)', times.sqlite.slice(5))]),
  ];
}

async function scans(readings, sqlite, count, rounds) {
  const found = { batches: [], rows: [], sql: [] };
  const timed = async (scan) => {
    collectGarbage();
    const startedAt = now();
    const sum = await scan();
    if (!Number.isFinite(sum)) throw new Error('a sum is not a number');
    return count / ((now() - startedAt) / 1000);
  };
  for (let round = 0; round < rounds; round++) {
    found.batches.push(await timed(() => sumOfBatches(readings)));
    found.rows.push(await timed(() => sumOfRows(readings)));
    if (sqlite !== null) found.sql.push(await timed(() => sqlite.sum()));
  }
  const line = (who, values) => ({ what: 'full scan with a sum', who, unit: 'events/s', values, ...summary(values) });
  return [
    line('millrace, batches()', found.batches),
    line('millrace, history(), rows', found.rows),
    ...(sqlite === null ? [] : [line('better-sqlite3, SELECT sum()', found.sql)]),
  ];
}

async function sumOfBatches(readings) {
  let sum = 0;
  await readings.batches({ columns: ['temperature'], reuse: true }).forEach(({ rows, columns: { temperature } }) => {
    // A variable that is captured and changed would be a new object for every row.
    let part = 0;
    for (let row = 0; row < rows; row++) part += temperature[row];
    sum += part;
  });
  return sum;
}

async function sumOfRows(readings) {
  let sum = 0;
  await readings.history({ columns: ['temperature'] }).forEach(({ temperature }) => {
    sum += temperature;
  });
  return sum;
}

function bytesLine(who, value) {
  return { what: 'bytes on disk an event', who, unit: 'bytes', median: value, min: value, max: value };
}

function bytesIn(directory) {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
}
