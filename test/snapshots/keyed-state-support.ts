import { EMPTY, type Observable } from 'rxjs';
import type { CapturedState } from '../../src/snapshots/captured-state.js';
import type { KeyedState } from '../../src/snapshots/keyed-state.js';
import { loadState } from '../../src/snapshots/load-state.js';
import type { StateCodec, Values } from '../../src/snapshots/state-codec.js';
import type { StateFile, StateFileContext } from '../../src/snapshots/state-file.js';
import type { StateKey } from '../../src/snapshots/state-key.js';
import { writeState } from '../../src/snapshots/write-state.js';
import type { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import { type Hash, loadHash } from '../../src/wal/hash.js';
import { now, run } from '../storage/support.js';

export const DIRECTORY = '/state';
export const databaseId = Uint8Array.from({ length: 16 }, (_, at) => at);

let hash: Hash;

/** Loads the hash function, once for all tests of a file. */
export async function prepareHash(): Promise<void> {
  hash = await run(loadHash());
}

export const context = (): StateFileContext => ({ hash, databaseId });

/** A disk with the directory of state files. */
export function makeDirectory(storage: SimulatedStorage): SimulatedStorage {
  now(storage.makeDirectory(DIRECTORY));
  now(storage.syncDirectory('/'));
  return storage;
}

export type AnyState<V, A extends Values> = KeyedState<StateKey, V, A>;

export const fileName = (captured: { readonly number: number }): string => `state-${captured.number}`;

/** Writes a capture in slices of few entries. `pause` runs after each. */
export function write<V, A extends Values>(
  storage: SimulatedStorage,
  captured: CapturedState<V, A>,
  pause: Observable<unknown> = EMPTY,
): Observable<never> {
  return writeState(storage, DIRECTORY, fileName(captured), captured, { ...context(), pause, entriesMax: 40 });
}

/** A whole checkpoint of one state that goes well. */
export function save<V, A extends Values>(storage: SimulatedStorage, state: AnyState<V, A>): readonly StateFile[] {
  const captured = state.capture();
  now(write(storage, captured));
  now(storage.syncDirectory(DIRECTORY));
  captured.succeeded();
  return state.files;
}

export function load<V, A extends Values>(
  storage: SimulatedStorage,
  files: readonly StateFile[],
  codec: StateCodec<V, A>,
  name = 'counts',
): AnyState<V, A> {
  return now(loadState<StateKey, V, A>(storage, DIRECTORY, files, { name, codec }, context()));
}
