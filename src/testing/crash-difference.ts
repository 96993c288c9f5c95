import { inspect } from 'node:util';
import type { StateKey } from '../snapshots/state-key.js';
import type { Recorded } from '../streams/reading.js';
import type { Outcome } from './crash-run.js';
import { isSame } from './same.js';
import type { Row } from './simulated-life.js';

/** A row with where it stands: told by the events that were appended, as lsns are others after a crash. */
interface Placed {
  /** `event 7`, or `a tick after event 7`. */
  readonly cause: string;
  readonly row: unknown;
}

/** The first thing that is not the same. */
export interface Difference {
  /** The rows, side by side. */
  readonly text: string;
  readonly expected: unknown;
  readonly actual: unknown;
}

/** Compares what two runs left; `null` where it is the same. */
export function differenceOf(expected: Outcome, actual: Outcome): Difference | null {
  for (const [name, records] of Object.entries(expected.kept.history)) {
    const difference = firstDifference(
      `stream "${name}"`,
      placed(records, expected.lsns),
      placed(actual.kept.history[name] ?? [], actual.lsns),
    );
    if (difference !== null) return difference;
  }
  for (const [name, entries] of Object.entries(expected.kept.tables)) {
    const difference = firstDifference(`table "${name}"`, rowsOf(entries), rowsOf(actual.kept.tables[name] ?? []));
    if (difference !== null) return difference;
  }
  return null;
}

function firstDifference(what: string, expected: readonly Placed[], actual: readonly Placed[]): Difference | null {
  const length = Math.max(expected.length, actual.length);
  const at = Array.from({ length }).findIndex((_, row) => !isSame(expected[row], actual[row]));
  if (at < 0) return null;
  const text = [
    `Row ${at} of ${what} differs (rows: ${expected.length} without a crash, ${actual.length} with it).`,
    `  without a crash:  ${show(expected[at])}`,
    `  after the crash:  ${show(actual[at])}`,
  ].join('\n');
  return { text, expected: expected[at], actual: actual[at] };
}

function placed(records: readonly Recorded<Row>[], lsns: readonly number[]): Placed[] {
  return records.map(({ lsn, event }) => ({ cause: causeOf(lsn, lsns), row: withoutLsn(event, lsns) }));
}

function causeOf(lsn: number, lsns: readonly number[]): string {
  const at = lsns.findLastIndex((other) => other <= lsn);
  return lsns[at] === lsn ? `event ${at}` : `a tick after event ${at}`;
}

/** A dead letter says the lsn of its event. */
function withoutLsn(row: Row, lsns: readonly number[]): Row {
  const isDeadLetter = typeof row.lsn === 'number' && 'input' in row && 'error' in row && 'event' in row;
  return isDeadLetter ? { ...row, lsn: causeOf(row.lsn as number, lsns) } : row;
}

function rowsOf(entries: readonly (readonly [StateKey, Row])[]): Placed[] {
  return entries.map(([key, row]) => ({ cause: `key ${inspect(key)}`, row }));
}

function show(placed: Placed | undefined): string {
  if (placed === undefined) return 'no row';
  return `${inspect(placed.row, { breakLength: Infinity, depth: 4 })}, from ${placed.cause}`;
}
