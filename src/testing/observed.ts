import type { StateKey } from '../snapshots/state-key.js';
import type { DerivationStatus } from '../streams/derived/derivation.js';
import type { Recorded } from '../streams/reading.js';
import { toCanonicalJson } from '../wal/canonical-json.js';
import type { Row, SimulatedLife } from './simulated-life.js';

/** Everything that a mill keeps, by the names of streams and tables. */
export interface Kept {
  /** Source streams, then those that are derived. */
  readonly history: Readonly<Record<string, readonly Recorded<Row>[]>>;
  /** Keys with their rows, in order of the keys. */
  readonly tables: Readonly<Record<string, readonly (readonly [StateKey, Row])[]>>;
  /** What each pipeline is doing: `live`, or `stopped` and why. */
  readonly derived: Readonly<Record<string, DerivationStatus>>;
}

/** Reads what is kept now. */
export async function readKept(life: SimulatedLife): Promise<Kept> {
  await life.caughtUp();
  const history: Record<string, readonly Recorded<Row>[]> = {};
  for (const stream of [...life.sources, ...life.derived]) history[stream.name] = await life.recordsOf<Row>(stream);
  const tables: Record<string, (readonly [StateKey, Row])[]> = {};
  for (const [name, table] of life.tables) tables[name] = byKey([...table.entries()] as [StateKey, Row][]);
  const derived = life.mill.metrics().derived.map(({ name, state, processedTo, lsn, cause }) => {
    const status: DerivationStatus = state === 'stopped' ? { state, processedTo, lsn, cause } : { state, processedTo };
    return [name, status] as const;
  });
  return { history, tables, derived: Object.fromEntries(derived) };
}

function byKey<E extends readonly [StateKey, Row]>(entries: readonly E[]): E[] {
  return entries
    .map((entry) => ({ entry, key: toCanonicalJson(entry[0]) }))
    .toSorted((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ entry }) => entry);
}
