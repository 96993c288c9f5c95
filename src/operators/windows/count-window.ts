import { MillraceError } from '../../errors.js';
import type { Window } from './window.js';

/**
 * A window for every `size` events of a key, in order of their times; with `every`, one that begins at each `every`-th event and
 * overlaps the one before. A window's `start` and `end` are the times of its first and last event, both in it; when the source
 * completes, those that are not full are emitted too.
 *
 * Events wait until the watermark has passed them, so that their order is that of their times: what is late is out, and cannot be
 * corrected.
 *
 * @param size at least 1
 * @param every from 1 to `size`, the default
 * @throws MillraceError `INVALID_OPTION`
 * @example
 * countWindow(100, 10); // at every tenth event, over the last hundred
 */
export function countWindow(size: number, every: number = size): Window<unknown> {
  for (const [name, value, most] of [
    ['size', size, Number.MAX_SAFE_INTEGER],
    ['every', every, size],
  ] as const)
    if (!Number.isSafeInteger(value) || value < 1 || value > most)
      throw new MillraceError(
        'INVALID_OPTION',
        `Option ${name} of countWindow must be a whole number from 1${name === 'every' ? ` to size (${size})` : ''}, not ${String(value)}.`,
      );
  return { text: `countWindow(${size}, ${every})`, kind: { type: 'count', size, every } };
}
