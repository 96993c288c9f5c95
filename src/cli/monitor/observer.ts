import type { Millrace } from '../../streams/millrace.js';
import type { WalLevel } from '../../wal/record.js';
import { levelInWords, recoveryInWords } from '../recovery-words.js';
import { numberOf, timeInWords } from '../words.js';
import { Activity } from './activity.js';
import { CheckpointWatch } from './checkpoint-watch.js';
import type { Recorder } from './recorder.js';
import { stoppedInWords } from './state-words.js';
import type { DerivedStatistics } from './statistics.js';
import { minutesOf, type TenSeconds, tenSecondsOf } from './summaries.js';
import type { Shown } from './view.js';

/** Statistics that are so much older than they should be are from before the start. */
const STALE_MS = 10_000;
/** So far may the newest statistics be ahead of the clock before it must have been set back. */
const AHEAD_MS = 2_000;

export interface Observed {
  readonly dir: string;
  readonly level: WalLevel;
  /** Milliseconds between two samples. */
  readonly every: number;
}

/** Gives what is to be shown now. */
export function observer(
  mill: Millrace,
  options: Observed,
  recorder: Recorder,
  statistics: DerivedStatistics,
): () => Shown {
  const startedAt = performance.now();
  const activity = new Activity();
  const checkpoints = new CheckpointWatch();
  checkpoints.watch(mill);
  const { segments } = mill.metrics();
  const notes = [recoveryInWords(options.dir, mill.recovery!, segments), levelInWords(options.level)];
  return () => {
    const metrics = mill.metrics();
    const running = performance.now() - startedAt;
    const now = Date.now();
    const tenSeconds = tenSecondsOf(statistics);
    activity.note(running, metrics);
    return {
      directory: options.dir,
      level: options.level,
      running,
      notes: notes.filter((note) => note !== null),
      trouble: inOne([
        ...troublesIn(recorder),
        checkpoints.trouble,
        stoppedInWords(metrics.derived),
        setBack(tenSeconds, now),
      ]),
      checkpoint: checkpoints.inWords(now),
      metrics,
      activity,
      tenSeconds: tenSeconds.end < now - STALE_MS - 2 * options.every ? null : tenSeconds,
      minutes: minutesOf(statistics),
    };
  };
}

function troublesIn({ trouble, dropped }: Recorder): (string | null)[] {
  return [trouble, dropped === 0 ? null : `${numberOf(dropped, 'event')} dropped, as the log was full`];
}

/** Windows end by the times of samples: after the clock was set back, those that come are late for a while. */
function setBack({ end }: TenSeconds, now: number): string | null {
  if (end <= now + AHEAD_MS) return null;
  return `the clock was set back: samples are written, statistics go on when it is past ${timeInWords(end)}`;
}

function inOne(troubles: readonly (string | null)[]): string | null {
  const parts = troubles.filter((part) => part !== null);
  return parts.length === 0 ? null : parts.join('; ');
}
