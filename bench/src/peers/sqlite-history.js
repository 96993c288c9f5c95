import { statSync } from 'node:fs';
import { join } from 'node:path';

/** SQLite with the same events as a mill, in the same order, and an index on (device, ts). */
export class SqliteHistory {
  #database;
  #query;
  #sum;

  /** `null` where better-sqlite3 cannot be loaded. */
  static async of(directory, readings) {
    try {
      const { default: Database } = await import('better-sqlite3');
      const file = join(directory, 'readings.db');
      const database = new Database(file);
      // Only for filling it.
      database.pragma('journal_mode = OFF');
      database.pragma('synchronous = OFF');
      database.exec(
        'CREATE TABLE readings (ts INTEGER NOT NULL, device TEXT NOT NULL, temperature REAL NOT NULL, humidity REAL NOT NULL, status INTEGER NOT NULL)',
      );
      const insert = database.prepare('INSERT INTO readings VALUES (?, ?, ?, ?, ?)');
      let count = 0;
      database.exec('BEGIN');
      await readings.history().forEach(({ ts, device, temperature, humidity, status }) => {
        insert.run(ts, device, temperature, humidity, status);
        count++;
      });
      database.exec('COMMIT');
      database.exec('CREATE INDEX by_device ON readings (device, ts)');
      database.exec('ANALYZE');
      database.close();
      return new SqliteHistory(new Database(file, { readonly: true }), file, count);
    } catch (error) {
      if (error.code === 'ERR_MODULE_NOT_FOUND' || error.code === 'ERR_DLOPEN_FAILED') return null;
      throw error;
    }
  }

  constructor(database, file, count) {
    this.count = count;
    this.bytes = statSync(file).size;
    this.#database = database;
    this.#query = database.prepare('SELECT * FROM readings WHERE device = ? AND ts >= ? AND ts < ? ORDER BY ts');
    this.#sum = database.prepare('SELECT sum(temperature) AS sum FROM readings');
  }

  query(device, from, to) {
    return this.#query.all(device, from, to);
  }

  sum() {
    return this.#sum.get().sum;
  }

  close() {
    this.#database.close();
  }
}
