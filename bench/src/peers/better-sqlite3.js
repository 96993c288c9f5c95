import { join } from 'node:path';

const TABLE =
  'CREATE TABLE readings (ts INTEGER NOT NULL, device TEXT NOT NULL, temperature REAL NOT NULL, humidity REAL NOT NULL, status INTEGER NOT NULL)';

/** SQLite with a write-ahead log that is synced at every commit; one transaction a batch, one prepared insert a row. */
export const betterSqlite3 = {
  name: 'better-sqlite3',
  how: 'WAL, synchronous=FULL, a transaction per batch',
  inFlight: [1],
  async load() {
    return openWith((await import('better-sqlite3')).default, '');
  },
};

export const betterSqlite3Indexed = {
  name: 'better-sqlite3, index on (device, ts)',
  how: 'the same, and finds a device’s events',
  inFlight: [1],
  async load() {
    return openWith((await import('better-sqlite3')).default, 'CREATE INDEX by_device ON readings (device, ts)');
  },
};

function openWith(Database, index) {
  // Loading the module does not load its native part; opening a database does.
  new Database(':memory:').close();
  return (directory) => {
    const database = new Database(join(directory, 'readings.db'));
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = FULL');
    database.exec(`${TABLE}; ${index}`);
    const insert = database.prepare('INSERT INTO readings VALUES (?, ?, ?, ?, ?)');
    const put = (row) => insert.run(row.ts, row.device, row.temperature, row.humidity, row.status);
    const putAll = database.transaction((rows) => {
      for (const row of rows) put(row);
    });
    return {
      write: (rows) => void putAll(rows),
      /** A transaction of its own. */
      writeOne: (row) => void put(row),
      close: () => database.close(),
    };
  };
}
