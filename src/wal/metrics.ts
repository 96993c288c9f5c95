import { createHistogram } from 'node:perf_hooks';
import type { SealedCommit } from './commit.js';

/** How long something took, in milliseconds, over the life of the mill. */
export interface LatencySummary {
  readonly count: number;
  readonly mean: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** Counts what the writer does. */
export class WriterMetrics {
  events = 0;
  commits = 0;
  /** Bytes of frames written. */
  bytes = 0;
  commitsRejected = 0;
  private readonly latencies = createHistogram();

  written(commit: SealedCommit, latency: number): void {
    this.events += commit.events;
    this.commits++;
    this.bytes += commit.bytes;
    this.latencies.record(Math.max(1, Math.round(latency * 1000)));
  }

  /** From handing a commit to the disk to its being as safe as the level promises. */
  get latency(): LatencySummary {
    const { count, mean, max } = this.latencies;
    const at = (percentile: number) => (count === 0 ? 0 : this.latencies.percentile(percentile) / 1000);
    return count === 0
      ? { count, mean: 0, p50: 0, p99: 0, p999: 0, max: 0 }
      : { count, mean: mean / 1000, p50: at(50), p99: at(99), p999: at(99.9), max: max / 1000 };
  }
}
