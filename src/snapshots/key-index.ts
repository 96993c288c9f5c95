import type { Identity } from './state-key.js';

const SHARDS_LOG2 = 6;
const SHARDS = 1 << SHARDS_LOG2;
/** Up to here one map is quicker, and rehashed in a few milliseconds. */
const SINGLE_MAX = 32_768;

/**
 * Where each key's slot is. A `Map` that grows is rehashed as a whole, which takes 20 to 70 ms at half a million keys; so many
 * keys are spread over many maps, by a hash that looks at a few characters only: an unlucky spread costs no more than one map.
 */
export class KeyIndex {
  #single: Map<Identity, number> | null = new Map();
  #shards: Map<Identity, number>[] = [];
  size = 0;

  /** -1 where the key is not there. */
  find(identity: Identity): number {
    const slot = (this.#single ?? this.#shards[shardOf(identity)]!).get(identity);
    return slot === undefined ? -1 : slot;
  }

  /** The key must not be there. */
  add(identity: Identity, slot: number): void {
    if (this.#single?.size === SINGLE_MAX) this.#spread(this.#single);
    (this.#single ?? this.#shards[shardOf(identity)]!).set(identity, slot);
    this.size++;
  }

  remove(identity: Identity): void {
    if ((this.#single ?? this.#shards[shardOf(identity)]!).delete(identity)) this.size--;
  }

  #spread(single: Map<Identity, number>): void {
    this.#shards = Array.from({ length: SHARDS }, () => new Map<Identity, number>());
    for (const [identity, slot] of single) this.#shards[shardOf(identity)]!.set(identity, slot);
    this.#single = null;
  }
}

function shardOf(identity: Identity): number {
  let mixed: number;
  if (typeof identity === 'string') {
    mixed = identity.length;
    for (let at = mixed - 1, taken = 0; at >= 0 && taken < 4; at -= 1 + taken, taken++)
      mixed = Math.imul(mixed ^ identity.charCodeAt(at), 0x01000193);
  } else if (typeof identity === 'bigint') mixed = Number(BigInt.asUintN(32, identity));
  else mixed = Number(identity) | 0;
  return Math.imul(mixed ^ (mixed >>> 15), 0x9e3779b1) >>> (32 - SHARDS_LOG2);
}
