import { defer, from, map, type Observable, of, tap } from 'rxjs';
import xxhash, { type XXHashAPI } from 'xxhash-wasm';

/** xxhash64. One instance serves the process: it holds no state but its scratch memory. */
export type Hash = (bytes: Uint8Array, seed?: bigint) => bigint;

let loaded: Hash | undefined;

/** Loads the hash function (WebAssembly). Emits synchronously once it was loaded before. */
export function loadHash(): Observable<Hash> {
  return defer(() =>
    loaded
      ? of(loaded)
      : from(xxhash()).pipe(
          map(toHash),
          tap((hash) => (loaded = hash)),
        ),
  );
}

function toHash(api: XXHashAPI): Hash {
  return (bytes, seed = 0n) => api.h64Raw(bytes, seed);
}
