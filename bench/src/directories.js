import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const resultsDirectory = join(dirname(fileURLToPath(import.meta.url)), '..', 'results');

/**
 * Everyone writes below this directory, which is on one file system and a real one: the system's temporary directory
 * may be in memory, where a sync costs nothing.
 */
export const workDirectory = join(resultsDirectory, 'work');

/** Runs `use` with a fresh directory and removes it afterwards. */
export async function inFreshDirectory(use) {
  mkdirSync(workDirectory, { recursive: true });
  const directory = mkdtempSync(join(workDirectory, 'run-'));
  try {
    return await use(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
