import type { MillMetrics } from '../../streams/status.js';

/** How far back it looks. */
const WINDOW_MS = 10_000;

type Counts = Pick<MillMetrics, 'events' | 'commits'> & { readonly time: number };

/** What the log did in the last ten seconds, from its counts. */
export class Activity {
  private readonly counts: Counts[] = [];

  note(time: number, { events, commits }: MillMetrics): void {
    this.counts.push({ time, events, commits });
    // The oldest one stands before the window, so that the difference covers all of it.
    while (this.counts.length > 2 && this.counts[1]!.time <= time - WINDOW_MS) this.counts.shift();
  }

  get eventsPerCommit(): number {
    const { events, commits } = this.difference();
    return commits === 0 ? 0 : events / commits;
  }

  get commitsPerSecond(): number {
    const { commits, time } = this.difference();
    return time === 0 ? 0 : (commits * 1_000) / time;
  }

  private difference(): Counts {
    const first = this.counts[0];
    const last = this.counts.at(-1);
    if (first === undefined || last === undefined) return { time: 0, events: 0, commits: 0 };
    return {
      time: last.time - first.time,
      events: last.events - first.events,
      commits: last.commits - first.commits,
    };
  }
}
