/** What the choice between a base and a delta depends on. Bytes are those of the files in use. */
export interface CompactionInput {
  /** `null` where there is none yet. */
  readonly baseBytes: number | null;
  readonly deltas: number;
  readonly deltaBytes: number;
  /** Keys now, and how many of them changed or went since the last snapshot. */
  readonly keys: number;
  readonly changed: number;
}

/** No more deltas than this lie on a base: each is one more file to open at start. */
export const DELTAS_MAX = 8;

/**
 * Whether a checkpoint writes the whole state (a base, which makes all files before it superfluous) and not only what changed
 * (a delta). It does when the deltas are more than half as large as the base or too many: then what is read at start stays
 * within one and a half times the state, and what is written within about three times the changes. And when everything changed, as the
 * base then costs no more.
 */
export function wantsBase({ baseBytes, deltas, deltaBytes, keys, changed }: CompactionInput): boolean {
  if (baseBytes === null || deltas >= DELTAS_MAX) return true;
  return deltaBytes > baseBytes / 2 || changed >= keys;
}
