import { float64, json, type RowOf, type Schema, string, timestamp } from '../schema.js';

/** An event that came too late: its time, and the event as the operator got it. */
export const LATE_EVENT = { ts: timestamp(), event: json() } satisfies Schema;
export type LateEvent = RowOf<typeof LATE_EVENT>;

/** An event that made a pipeline throw: its time, the stream that it is of, its lsn, what was thrown, and the event. */
export const DEAD_LETTER = {
  ts: timestamp(),
  input: string(),
  lsn: float64(),
  error: string(),
  event: json(),
} satisfies Schema;
export type DeadLetter = RowOf<typeof DEAD_LETTER>;
