import type { Retained } from '../../../snapshots/manifest.js';
import type { Derivation } from '../derivation.js';
import { TICKS } from '../pipeline-inputs.js';

/** What a derivation read once and a replay finds no more: events of some streams that retention let go. */
export interface Cut extends Retained {
  readonly streams: readonly string[];
}

/**
 * What of a derivation can be compared: all; rows of events that are still there, and keys of tables that changed since the cut; rows
 * that come from events since a time alone; nothing.
 */
export type Comparable =
  | { readonly from: 'all' }
  | { readonly from: 'events'; readonly cut: Cut }
  | { readonly from: 'time'; readonly time: number; readonly cut: Cut }
  | { readonly from: 'never'; readonly cut: Cut };

/** How far the events of a stream are kept; `null` for all. */
export type RetainedOf = (stream: string) => Retained | null;

/** What was cut of all that a derivation reads, directly or by other derivations; `null` for nothing. */
export function cutOf(derivation: Derivation, retainedOf: RetainedOf): Cut | null {
  const derived = new Map(derivation.upstream.map((upstream) => [upstream.name, upstream]));
  const cutOfInput = (name: string): Cut | null => {
    const upstream = derived.get(name);
    if (upstream !== undefined) return cutOf(upstream, retainedOf);
    const retained = retainedOf(name);
    return retained && { ...retained, streams: [name] };
  };
  const cuts = derivation.inputs.map(({ name }) => cutOfInput(name)).filter((cut) => cut !== null);
  if (cuts.length === 0) return null;
  return {
    from: Math.max(...cuts.map(({ from }) => from)),
    lsn: Math.max(...cuts.map(({ lsn }) => lsn)),
    streams: [...new Set(cuts.flatMap(({ streams }) => streams))].filter((stream) => stream !== TICKS),
  };
}

/**
 * What follows from events that are still there: without operators that keep state, each row from its event alone; with a single one
 * that says of its rows from which events they follow, those rows that need no earlier ones.
 */
export function comparableOf(derivation: Derivation, hasTimes: boolean, retainedOf: RetainedOf): Comparable {
  const cut = cutOf(derivation, retainedOf);
  if (cut === null) return { from: 'all' };
  const isUnclear = derivation.upstream.some((upstream) => cutOf(upstream, retainedOf) && keepsState(upstream));
  if (isUnclear) return { from: 'never', cut };
  const operators = operatorsOf(derivation);
  if (operators === 0) return { from: 'events', cut };
  return operators === 1 && hasTimes ? { from: 'time', time: cut.from, cut } : { from: 'never', cut };
}

/** Of the rows of a table, of late events, and of those that made a pipeline throw, nobody says from which events they follow. */
export function comparableSide(comparable: Comparable): Comparable {
  return comparable.from === 'time' ? { from: 'never', cut: comparable.cut } : comparable;
}

function keepsState(derivation: Derivation): boolean {
  return operatorsOf(derivation) > 0 || derivation.upstream.some(keepsState);
}

function operatorsOf({ shape }: Derivation): number {
  return shape.filter((part) => !part.startsWith('from ')).length;
}
