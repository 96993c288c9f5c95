import { columnarCodec } from '../snapshots/columnar-codec.js';
import { isMissing } from '../snapshots/manifest.js';
import { jsonCodec, type StateCodec, type Values } from '../snapshots/state-codec.js';
import { decodeStateHeader, STATE_HEADER_BYTES, type StateFileHeader } from '../snapshots/state-file.js';
import type { Storage } from '../storage/storage.js';
import type { Hash } from '../wal/hash.js';
import { useFile } from '../wal/use-file.js';
import { done } from './log-files.js';

/** Files of operators' state, read without the pipelines that know what is in them. */

export type AnyCodec = StateCodec<unknown, Values>;

/** The header of a file of state, or what is wrong with it. */
export async function stateHeaderOf(storage: Storage, path: string, hash: Hash): Promise<StateFileHeader | string> {
  const file = useFile(storage.open(path, { readOnly: true }), (opened) => opened.read(0, STATE_HEADER_BYTES));
  try {
    return decodeStateHeader(await done(file), hash);
  } catch (error) {
    if (!isMissing(error)) throw error;
    return 'is missing';
  }
}

/** The codec that a header names. Where it cannot be read any will do: who reads the file says why. */
export function codecOf(header: StateFileHeader | string): AnyCodec {
  const isColumnar = typeof header !== 'string' && header.codec === 2;
  return (isColumnar ? columnarCodec(header.stride) : jsonCodec()) as unknown as AnyCodec;
}
