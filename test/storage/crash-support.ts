import { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import type { StorageFile } from '../../src/storage/storage.js';
import { bytes, now, text } from './support.js';

export const SEEDS = 300;

export const create = (storage: SimulatedStorage, path = '/file') => now(storage.open(path, { create: true }));
export const write = (file: StorageFile, contents: string, position = 0) =>
  now(file.write([bytes(contents)], position));

/** A storage with a file whose name and contents are durable. */
export function prepare(contents: string, seed = 0): { storage: SimulatedStorage; file: StorageFile } {
  const storage = new SimulatedStorage({ seed });
  storage.replace('/file', bytes(contents));
  return { storage, file: now(storage.open('/file')) };
}

/** What the disk may hold after the same moment's crash, over many seeds. */
export function outcomes(act: (seed: number) => SimulatedStorage, path = '/file'): Set<string> {
  const seen = new Set<string>();
  for (let seed = 0; seed < SEEDS; seed++) {
    const crashed = act(seed).crash();
    seen.add(crashed.paths().includes(path) ? text(crashed.contents(path)) : 'missing');
  }
  return seen;
}
