import { createHash } from 'node:crypto';
import { cpSync, openSync, readdirSync, readFileSync, statSync, truncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { float64, key, Millrace, type MillraceOptions, string, timestamp } from '../../src/index.js';

export const READINGS = { ts: timestamp(), device: key(string()), value: float64() };
export const START = Date.UTC(2024, 0, 1);
export const reading = (at: number) => ({ ts: START + at, device: `dev-${at % 5}`, value: at });

/** Readings with these lsns: the n-th event of a mill has lsn n. */
export const readings = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, at) => reading(from + at));

/** A mill that is live, without checkpoints but those that are asked for. */
export async function started(directory: string, options: MillraceOptions = {}): Promise<Millrace> {
  const mill = new Millrace(directory, { checkpointInterval: '1h', logFileBytes: 4096, ...options });
  mill.stream('readings', { schema: READINGS });
  await mill.start();
  return mill;
}

/**
 * What a kill leaves: events 1 to 70, in commits of 7. Up to 42 they are in three segments, the others in the log.
 */
export async function killed(directory: string, options: MillraceOptions = {}): Promise<void> {
  const mill = await started(`${directory}-live`, options);
  await appended(mill, 1, 14);
  await mill.checkpoint();
  await appended(mill, 15, 28);
  await mill.checkpoint();
  await appended(mill, 29, 42);
  await mill.checkpoint();
  await appended(mill, 43, 70);
  await prepared(`${directory}-live`, options.vgroups ?? 1);
  cpSync(`${directory}-live`, directory, { recursive: true });
  await mill.close();
}

/** The next log files are prepared in the background. */
async function prepared(directory: string, vgroups: number): Promise<void> {
  const folders = ['metadata', ...Array.from({ length: vgroups }, (_, at) => `vgroup-0${at}`)];
  const isThere = (folder: string) => {
    const status = statSync(`${directory}/${folder}/next.wal`, { throwIfNoEntry: false });
    return status !== undefined && status.size >= 4096;
  };
  while (!folders.every(isThere)) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Appends events, in commits of 7. */
export async function appended(mill: Millrace, from: number, to: number): Promise<void> {
  for (let at = from; at <= to; at += 7)
    await mill.stream('readings').appendMany(readings(at, Math.min(at + 6, to)) as never);
}

/** Every file with its length, time and content. */
export function imageOf(directory: string): Map<string, string> {
  const image = new Map<string, string>();
  for (const name of readdirSync(directory, { recursive: true }) as string[]) {
    const path = join(directory, name);
    const status = statSync(path);
    const content = () => createHash('sha256').update(readFileSync(path)).digest('hex');
    image.set(name, status.isFile() ? `${status.size} ${status.mtimeMs} ${content()}` : 'folder');
  }
  return image;
}

export function overwrite(path: string, offset: number, bytes: Uint8Array): void {
  writeSync(openSync(path, 'r+'), bytes, 0, bytes.length, offset);
}

export function flip(path: string, offset: number): void {
  overwrite(path, offset, Uint8Array.of(readFileSync(path)[offset]! ^ 0x10));
}

export function shorten(path: string, by: number): void {
  truncateSync(path, statSync(path).size - by);
}
