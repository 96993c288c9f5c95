import { merge, mergeMap } from 'rxjs';
import { avg } from '../../operators/aggregates/avg.js';
import { max, min } from '../../operators/aggregates/extremes.js';
import { last } from '../../operators/aggregates/first-last.js';
import { fold } from '../../operators/fold.js';
import { windowed } from '../../operators/windowed.js';
import { hopping } from '../../operators/windows/hopping.js';
import { tumbling } from '../../operators/windows/tumbling.js';
import type { Millrace } from '../../streams/millrace.js';
import { bool, float64, int32, key, string, timestamp } from '../../streams/schema.js';
import { valuesOf } from './metrics.js';
import type { SampleStream, StreamName } from './streams.js';

/** A metric over a window of time. */
const STATISTIC = {
  metric: key(string()),
  start: timestamp(),
  end: timestamp(),
  firstTime: timestamp(),
  lastTime: timestamp(),
  count: float64(),
  last: float64(),
  min: float64(),
  mean: float64(),
  max: float64(),
  revision: int32(),
  final: bool(),
};

/** A minute of a metric, open still or complete. */
export interface Minute {
  readonly start: number;
  readonly final: boolean;
  readonly count: number;
  readonly mean: number;
  readonly max: number;
}

/** The open minute, and three that are complete. */
const MINUTES_KEPT = 4;

export type DerivedStatistics = ReturnType<typeof declareStatistics>;

/**
 * Declares what is derived from the samples. Each second `ten_seconds` gets the last ten seconds of every metric, and `latest` has the
 * newest of them; each minute `per_minute` gets the minute that ended, and `recent_minutes` has the newest of them and the one that is
 * open. The mill keeps open windows too: after a kill they go on with what they had.
 */
export function declareStatistics(mill: Millrace, streams: readonly SampleStream[]) {
  const values = merge(
    ...streams.map((stream) => stream.pipe(mergeMap((row) => valuesOf(stream.name as StreamName, row as never)))),
  );
  const statistics = { last: last('value'), min: min('value'), mean: avg('value'), max: max('value') } as const;
  // A machine may have no disk or network to look at: these streams are not waited for.
  const options = { by: 'metric', idle: '2s', aggregate: statistics } as const;
  const tenSeconds = mill.stream('ten_seconds', {
    from: values.pipe(windowed(hopping('10s', '1s'), options)),
    schema: STATISTIC,
    // The minutes are what stays.
    retention: '1d',
  });
  const minutes = values.pipe(windowed(tumbling('1m'), { ...options, emit: 'updates' }));
  const perMinute = mill.stream('per_minute', { from: minutes, schema: STATISTIC });
  const recent = minutes.pipe(
    fold({
      by: 'metric',
      init: () => ({ minutes: [] as readonly Minute[] }),
      add: ({ minutes: before }, { start, final, count, mean, max }) => {
        const minute = { start, final, count, mean: mean!, max: max! };
        const minutes = [minute, ...before.filter((other) => other.start !== start)];
        // One ends when every stream has passed its end: the next one may have begun by then.
        return { minutes: minutes.toSorted((a, b) => b.start - a.start).slice(0, MINUTES_KEPT) };
      },
    }),
  );
  return {
    tenSeconds,
    perMinute,
    latest: mill.table('latest', { key: 'metric', from: tenSeconds }),
    recentMinutes: mill.table('recent_minutes', { key: 'metric', from: recent }),
  };
}
