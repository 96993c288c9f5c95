import { join } from 'node:path';
import { isSound, toFahrenheit, WINDOW_MS } from '../derived.js';

const TABLES = `
  CREATE TABLE readings (ts INTEGER NOT NULL, device TEXT NOT NULL, temperature REAL NOT NULL, humidity REAL NOT NULL, status INTEGER NOT NULL);
  CREATE TABLE per_minute (start INTEGER NOT NULL, device TEXT NOT NULL, n INTEGER NOT NULL, sum REAL NOT NULL, peak REAL NOT NULL,
    total REAL NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, PRIMARY KEY (start, device)) WITHOUT ROWID`;
const UPSERT = `
  INSERT INTO per_minute VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET n = n + excluded.n, sum = sum + excluded.sum,
    peak = max(peak, excluded.peak), total = total + excluded.total, first = min(first, excluded.first), last = max(last, excluded.last)`;

/** The ways to keep aggregates beside the inserts, in the batch's transaction. */
export const WAYS = { 'an upsert per row': perRow, 'an upsert per window and key of a batch': perWindow };

/** SQLite with a write-ahead log that is synced at every commit; `null` where it cannot be loaded. */
export async function openSqliteWindows(directory, way) {
  const Database = await import('better-sqlite3').then(
    (module) => module.default,
    () => null,
  );
  if (Database === null) return null;
  const database = new Database(join(directory, 'windows.db'));
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  database.exec(TABLES);
  const insert = database.prepare('INSERT INTO readings VALUES (?, ?, ?, ?, ?)');
  const upsert = database.prepare(UPSERT);
  const take = WAYS[way](upsert);
  const write = database.transaction((rows) => {
    for (const row of rows) insert.run(row.ts, row.device, row.temperature, row.humidity, row.status);
    take(rows);
  });
  return {
    write,
    events: () => database.prepare('SELECT sum(n) AS events FROM per_minute').get().events,
    close: () => database.close(),
  };
}

const startOf = (ts) => ts - (ts % WINDOW_MS);

function perRow(upsert) {
  return (rows) => {
    for (const row of rows) {
      const { ts, device, temperature, humidity, status } = toFahrenheit(row);
      if (isSound({ status })) upsert.run(startOf(ts), device, 1, temperature, temperature, humidity, ts, ts);
    }
  };
}

function perWindow(upsert) {
  return (rows) => {
    const windows = new Map();
    for (const row of rows) {
      const event = toFahrenheit(row);
      if (isSound(event)) add(windows, event);
    }
    for (const [start, devices] of windows)
      for (const [device, { n, sum, peak, total, first, last }] of devices)
        upsert.run(start, device, n, sum, peak, total, first, last);
  };
}

function add(windows, { ts, device, temperature, humidity }) {
  const start = startOf(ts);
  let devices = windows.get(start);
  if (devices === undefined) windows.set(start, (devices = new Map()));
  const window = devices.get(device);
  if (window === undefined) {
    devices.set(device, { n: 1, sum: temperature, peak: temperature, total: humidity, first: ts, last: ts });
    return;
  }
  window.n++;
  window.sum += temperature;
  window.peak = Math.max(window.peak, temperature);
  window.total += humidity;
  window.first = Math.min(window.first, ts);
  window.last = Math.max(window.last, ts);
}
