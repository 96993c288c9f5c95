import { performance } from 'node:perf_hooks';

export const now = () => performance.now();

/** The q-quantile (0 to 1) of numbers, by the nearest rank. */
export function quantile(numbers, q) {
  const sorted = Float64Array.from(numbers).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
}

/** Several measurements of one thing as their median and range. */
export function summary(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { median, min: sorted[0], max: sorted.at(-1) };
}

/** Leaves no garbage of one measurement to the next one. */
export function collectGarbage() {
  globalThis.gc?.();
}

/** The elements, beginning with another one each round: nobody always comes first or always after the same neighbour. */
export function rotated(elements, round) {
  const by = round % Math.max(1, elements.length);
  return [...elements.slice(by), ...elements.slice(0, by)];
}

/**
 * Gives batches to `write` for about `seconds`, with at most `inFlight` of them not yet durable, and waits for the rest.
 * Gives events per second.
 */
export async function ingestFor(seconds, batches, inFlight, write) {
  const pending = [];
  const startedAt = now();
  const endAt = startedAt + seconds * 1000;
  let events = 0;
  for (let at = 0; now() < endAt; at++) {
    const batch = batches[at % batches.length];
    const durable = write(batch);
    events += batch.length;
    // Those who write synchronously give nothing to wait for.
    if (durable === undefined) continue;
    pending.push(durable);
    if (pending.length >= inFlight) await pending.shift();
  }
  await Promise.all(pending);
  return events / ((now() - startedAt) / 1000);
}
