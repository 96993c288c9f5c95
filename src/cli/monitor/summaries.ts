import { type Metric, metricOf } from './metrics.js';
import type { DerivedStatistics, Minute } from './statistics.js';

/** A metric over ten seconds. */
export interface Summary {
  readonly metric: Metric;
  readonly last: number;
  readonly min: number;
  readonly mean: number;
  readonly max: number;
}

/** All metrics over the same ten seconds. */
export interface TenSeconds {
  /** The first time that is not in them, in milliseconds since the epoch; `-Infinity` where there are none yet. */
  readonly end: number;
  readonly summaries: readonly Summary[];
}

/** The newest ten seconds. A metric that has none in them is left out: its device is gone. */
export function tenSecondsOf({ latest }: Pick<DerivedStatistics, 'latest'>): TenSeconds {
  const rows = [...latest.entries()].map(([, row]) => row);
  const end = rows.reduce((newest, row) => Math.max(newest, row.end), -Infinity);
  const summaries = rows.flatMap((row) => {
    const metric = metricOf(row.metric);
    if (row.end !== end || metric === null) return [];
    return [{ metric, last: row.last!, min: row.min!, mean: row.mean!, max: row.max! }];
  });
  return { end, summaries: summaries.toSorted((a, b) => a.metric.rank - b.metric.rank) };
}

/** A metric that is told of each minute. */
export interface RollupColumn {
  readonly heading: string;
  readonly name: string;
  readonly of: 'mean' | 'max';
}

export const ROLLUP: readonly RollupColumn[] = [
  { heading: 'cpu', name: 'cpu.all.used', of: 'mean' },
  { heading: 'cpu max', name: 'cpu.all.used', of: 'max' },
  { heading: 'memory', name: 'memory.used', of: 'mean' },
  { heading: 'loop max', name: 'event_loop.max', of: 'max' },
];

/** A minute of the machine. */
export interface MinuteSummary {
  readonly start: number;
  readonly isOpen: boolean;
  readonly samples: number;
  /** In the order of `ROLLUP`; `null` where there was no such value. */
  readonly values: readonly (number | null)[];
}

/** The latest minutes, newest first. */
export function minutesOf({ recentMinutes }: Pick<DerivedStatistics, 'recentMinutes'>): MinuteSummary[] {
  const minutesOfMetric = (name: string): readonly Minute[] => recentMinutes.get(name)?.minutes ?? [];
  // Every sample has the memory in use.
  return minutesOfMetric('memory.used').map(({ start, final, count }) => ({
    start,
    isOpen: !final,
    samples: count,
    values: ROLLUP.map(({ name, of }) => minutesOfMetric(name).find((minute) => minute.start === start)?.[of] ?? null),
  }));
}
