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

  /** @param minutes those that were there at the start */
  constructor(minutes: readonly MinuteSummary[]) {
    this.lastMinute = newestOf(minutes.filter(({ isOpen }) => !isOpen));
  }

  next(shown: Shown, time: number): string[] {
    const complete = shown.minutes.filter(({ isOpen, start }) => !isOpen && start > this.lastMinute);
    this.lastMinute = Math.max(this.lastMinute, newestOf(complete));
    return [...complete.toReversed().map(minuteLine), lineOf(shown, time)];
  }
}

function newestOf(minutes: readonly MinuteSummary[]): number {
  return minutes[0]?.start ?? -Infinity;
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
