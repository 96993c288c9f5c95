import type { ColumnLayout } from '../../wal/column.js';
import { float64, json, layoutOf, type RowOf, type Schema, string, timestamp } from '../schema.js';

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

export const LATE_SUFFIX = '.late';
export const DEAD_SUFFIX = '.dead';

/** Whether a stream that the log remembers is derived: one of these, or a side stream of one of these. */
export function isDerived(
  name: string,
  columns: readonly ColumnLayout[],
  derived: readonly { readonly name: string }[],
): boolean {
  if (derived.some((one) => one.name === name)) return true;
  const schema = name.endsWith(LATE_SUFFIX) ? LATE_EVENT : name.endsWith(DEAD_SUFFIX) ? DEAD_LETTER : null;
  const owner = name.slice(0, -LATE_SUFFIX.length);
  if (schema === null || !derived.some((one) => one.name === owner)) return false;
  const own = layoutOf(name, schema);
  // Someone may append to a stream of such a name.
  return columns.length === own.length && columns.every((column, at) => column.name === own[at]!.name);
}
