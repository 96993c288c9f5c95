import type { Millrace } from '../../streams/millrace.js';
import { float64, type InputOf, key, type Schema, string, timestamp } from '../../streams/schema.js';

/** What the monitor writes. Shares are percent, amounts bytes, rates bytes per second, times milliseconds. */
export const SCHEMAS = {
  /** `core` is `all`, or the number of one. */
  cpu: { ts: timestamp(), core: key(string()), used: float64() },
  load: { ts: timestamp(), one: float64(), five: float64(), fifteen: float64() },
  memory: { ts: timestamp(), used: float64(), free: float64(), rss: float64(), heap: float64() },
  /** How late the event loop of this process was since the sample before. */
  event_loop: { ts: timestamp(), mean: float64(), max: float64() },
  disk: { ts: timestamp(), device: key(string()), read: float64(), written: float64() },
  network: { ts: timestamp(), device: key(string()), received: float64(), sent: float64() },
} satisfies Record<string, Schema>;

export type StreamName = keyof typeof SCHEMAS;
export const STREAM_NAMES = Object.keys(SCHEMAS) as StreamName[];

/** What one look at the machine gives: events per stream. Empty where the system has no such counters. */
export type Sample = { readonly [N in StreamName]: readonly InputOf<(typeof SCHEMAS)[N]>[] };

export type SampleStream = ReturnType<typeof declareStreams>[number];

/** Declares the streams, before the mill starts. */
export function declareStreams(mill: Millrace) {
  return STREAM_NAMES.map((name) => mill.stream(name, { schema: SCHEMAS[name] as Schema }));
}
