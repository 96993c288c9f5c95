import { type Metric, metricsOfRow } from './metrics.js';
import type { StreamName } from './streams.js';

/** How far back minimum, average and maximum look. */
export const WINDOW_MS = 10_000;

export interface Summary {
  readonly metric: Metric;
  readonly last: number;
  readonly min: number;
  readonly average: number;
  readonly max: number;
}

interface Series {
  metric: Metric;
  /** Oldest first. */
  readonly points: { readonly time: number; readonly value: number }[];
}

/** The last ten seconds of every metric, made from committed events. */
export class Statistics {
  private readonly series = new Map<string, Series>();

  add(stream: StreamName, row: Readonly<Record<string, string | number>>): void {
    const time = row.ts as number;
    for (const { metric, value } of metricsOfRow(stream, row)) {
      let series = this.series.get(metric.label);
      if (series === undefined) this.series.set(metric.label, (series = { metric, points: [] }));
      series.points.push({ time, value });
      // Here too, so that memory stays bounded while nobody looks.
      forget(series, time - WINDOW_MS);
    }
  }

  /** A metric that has had no event for ten seconds is left out: its device is gone. */
  summaries(now: number): Summary[] {
    for (const [label, series] of this.series) {
      forget(series, now - WINDOW_MS);
      if (series.points.length === 0) this.series.delete(label);
    }
    return [...this.series.values()].map(summarize).sort((a, b) => a.metric.rank - b.metric.rank);
  }
}

function forget({ points }: Series, before: number): void {
  const keep = points.findIndex(({ time }) => time >= before);
  if (keep !== 0) points.splice(0, keep < 0 ? points.length : keep);
}

function summarize({ metric, points }: Series): Summary {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let sum = 0;
  for (const { value } of points) {
    min = Math.min(min, value);
    max = Math.max(max, value);
    sum += value;
  }
  return { metric, last: points.at(-1)!.value, min, average: sum / points.length, max };
}
