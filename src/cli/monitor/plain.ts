import { millisecondsInWords, numberOf, threeDigits, timeInWords } from '../words.js';
import { valueInWords } from './metrics.js';
import { derivedInWords, keptInWords } from './state-words.js';
import { type MinuteSummary, ROLLUP } from './summaries.js';
import { rollupValue, type Shown } from './view.js';

/** Metrics of this rank and higher are too many for a line. */
const RANK_MAX = 100;

/** The same as the live view in plain lines, for a pipe: one for now, before it one for each minute that is complete since the last. */
export class PlainLines {
  private lastMinute: number;
  private isCaughtUp: boolean;

  /** @param shown how things are at the start */
  constructor(shown: Shown) {
    this.lastMinute = newestOf(shown.minutes.filter(isComplete));
    this.isCaughtUp = isCaughtUp(shown);
  }

  next(shown: Shown, time: number): string[] {
    const complete = shown.minutes.filter((minute) => isComplete(minute) && minute.start > this.lastMinute);
    this.lastMinute = Math.max(this.lastMinute, newestOf(complete));
    // Minutes that come out of history are old.
    const told = this.isCaughtUp ? complete.toReversed() : [];
    this.isCaughtUp = isCaughtUp(shown);
    return [...told.map(minuteLine), lineOf(shown, time)];
  }
}

function isComplete({ isOpen }: MinuteSummary): boolean {
  return !isOpen;
}

function newestOf(minutes: readonly MinuteSummary[]): number {
  return minutes[0]?.start ?? -Infinity;
}

function isCaughtUp({ metrics }: Shown): boolean {
  return metrics.derived.every(({ state }) => state !== 'catchingUp');
}

function minuteLine({ start, samples, values }: MinuteSummary): string {
  return line([
    `minute ${timeInWords(start)}`,
    numberOf(samples, 'sample'),
    ...ROLLUP.map(({ heading, name }, at) => `${heading} ${rollupValue(values[at]!, name)}`),
  ]);
}

function lineOf({ metrics, activity, checkpoint, tenSeconds, minutes, trouble }: Shown, time: number): string {
  const { p50, p99 } = metrics.commitLatency;
  const values = (tenSeconds?.summaries ?? [])
    .filter(({ metric }) => metric.rank < RANK_MAX)
    .map(({ metric: { label, unit }, mean, max }) => {
      return `${label} ${valueInWords(mean, unit)} max ${valueInWords(max, unit)}`;
    });
  const open = minutes.find(({ isOpen }) => isOpen);
  return line([
    timeInWords(time),
    `lsn ${metrics.nextLsn - 1}`,
    ...keptInWords(checkpoint, metrics),
    ...derivedInWords(metrics),
    `events per commit ${threeDigits(activity.eventsPerCommit)}`,
    `commit latency p50 ${millisecondsInWords(p50)} p99 ${millisecondsInWords(p99)}`,
    ...(open === undefined ? [] : [`since ${timeInWords(open.start)} ${numberOf(open.samples, 'sample')}`]),
    ...values,
    ...(trouble === null ? [] : [trouble]),
  ]);
}

function line(parts: readonly string[]): string {
  return parts.map((part) => part.replaceAll(', ', ' ')).join(' | ');
}
