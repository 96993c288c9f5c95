import { betterSqlite3, betterSqlite3Indexed } from './better-sqlite3.js';
import { classicLevel } from './classic-level.js';
import { jsonLines } from './json-lines.js';
import { lmdbAsync, lmdbSync } from './lmdb.js';
import { millraceAppendMany, millraceWrite } from './millrace.js';

/**
 * Who ingests rows. Each has `name`, `how`, `inFlight` (how many batches it may be given before the first is durable) and
 * `load()`, which gives `open(directory)` → `{ write(rows), close() }`. `write` gives a promise, or nothing where the rows
 * are durable when it returns.
 */
const contenders = [
  millraceAppendMany,
  millraceWrite,
  betterSqlite3,
  betterSqlite3Indexed,
  lmdbSync,
  lmdbAsync,
  classicLevel,
  jsonLines,
];

/** Those that can be loaded here, with their `open`; of the others, why not. */
export async function loadContenders() {
  const loaded = [];
  const missing = [];
  for (const contender of contenders) {
    try {
      loaded.push({ ...contender, open: await contender.load() });
    } catch (error) {
      missing.push({ name: contender.name, why: String(error.message).split('\n')[0] });
    }
  }
  return { loaded, missing };
}
