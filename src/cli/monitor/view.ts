import type { MillMetrics } from '../../streams/status.js';
import { bytesInWords, counted, elapsedInWords, millisecondsInWords, numberOf, threeDigits } from '../words.js';
import type { Activity } from './activity.js';
import { valueInWords } from './metrics.js';
import type { Line } from './screen.js';
import type { Summary } from './statistics.js';

/** Everything that is shown. */
export interface Shown {
  readonly directory: string;
  readonly level: string;
  /** Milliseconds since the start. */
  readonly running: number;
  /** What was found at the start, and what the level means. */
  readonly notes: readonly string[];
  /** What is wrong just now. */
  readonly trouble: string | null;
  /** The last checkpoint. */
  readonly checkpoint: string;
  readonly metrics: MillMetrics;
  readonly activity: Activity;
  readonly summaries: readonly Summary[];
}

const VALUE_WIDTH = 11;
const LABEL_WIDTH_MAX = 32;
/** Below this width only some of the values are shown. */
const WIDE_COLUMNS = 64;

/** The lines of the live view, for a terminal of this size. Lines that are too long are clipped by the screen. */
export function viewOf(shown: Shown, columns: number, rows: number): Line[] {
  const head: Line[] = [
    {
      text: `millrace  ${shown.directory}  level ${shown.level}  running ${elapsedInWords(shown.running)}`,
      style: 'bold',
    },
    ...shown.notes
      .flatMap((note) => inLines(note.split(' '), ' ', columns))
      .map((text): Line => ({ text, style: 'dim' })),
    { text: '' },
  ];
  const foot: Line[] = [
    { text: '' },
    ...logInWords(shown.metrics, shown.activity, columns).map((text) => ({ text })),
    ...inLines(keptInWords(shown), '   ', columns).map((text) => ({ text })),
    ...(shown.trouble === null ? [] : [{ text: shown.trouble, style: 'bold' } as Line]),
    { text: 'Ctrl-C closes the mill.', style: 'dim' },
  ];
  // One row stays free for the cursor.
  const room = rows - 1 - head.length - foot.length;
  return [...head, ...table(shown.summaries, columns, room), ...foot].slice(0, Math.max(1, rows - 1));
}

function table(summaries: readonly Summary[], columns: number, room: number): Line[] {
  if (summaries.length === 0) return [{ text: 'waiting for the first samples to be durable', style: 'dim' }];
  const names = columns >= WIDE_COLUMNS ? ['last', 'min', 'avg', 'max'] : ['last', 'max'];
  const labelWidth = Math.max(10, Math.min(LABEL_WIDTH_MAX, columns - names.length * VALUE_WIDTH));
  const valuesOf = ({ metric, last, min, average, max }: Summary) => {
    const values: Record<string, number> = { last, min, avg: average, max };
    return names.map((name) => valueInWords(values[name]!, metric.unit));
  };
  const row = (label: string, values: readonly string[]) =>
    `${label.slice(0, labelWidth - 1).padEnd(labelWidth)}${values.map((value) => value.padStart(VALUE_WIDTH)).join('')}`;
  const isCut = summaries.length + 1 > room;
  const fitting = isCut ? Math.max(0, room - 2) : summaries.length;
  return [
    { text: row('last 10 seconds', names), style: 'dim' },
    ...summaries.slice(0, fitting).map((summary) => ({ text: row(summary.metric.label, valuesOf(summary)) })),
    ...(isCut ? [{ text: `${summaries.length - fitting} more on a taller terminal`, style: 'dim' } as Line] : []),
  ];
}

/** Where the log stands, in one line or, on a narrow terminal, more. */
function logInWords(metrics: MillMetrics, activity: Activity, columns: number): string[] {
  const { p50, p99 } = metrics.commitLatency;
  const parts = [
    `lsn ${counted(metrics.nextLsn - 1)}`,
    `${threeDigits(activity.eventsPerCommit)} events per commit`,
    `${threeDigits(activity.commitsPerSecond)} commits/s`,
    `commit latency p50 ${millisecondsInWords(p50)}, p99 ${millisecondsInWords(p99)}`,
  ];
  return inLines(parts, '   ', columns);
}

/** What is kept where: in the log until a checkpoint brings it into segments. */
function keptInWords({ checkpoint, metrics }: Shown): string[] {
  const { unsavedBytes, logBytes, segments } = metrics;
  return [
    checkpoint,
    `unsaved ${bytesInWords(unsavedBytes)}`,
    `log ${bytesInWords(logBytes)}`,
    `snapshot ${segments.count === 0 ? 'empty' : `${bytesInWords(segments.bytes)} in ${numberOf(segments.count, 'segment')}`}`,
  ];
}

/** Puts parts together into lines that are not longer than the terminal is wide. */
function inLines(parts: readonly string[], between: string, columns: number): string[] {
  const lines: string[] = [];
  for (const part of parts) {
    const last = lines.at(-1);
    if (last === undefined || last.length + between.length + part.length > columns) lines.push(part);
    else lines[lines.length - 1] = `${last}${between}${part}`;
  }
  return lines;
}

/** The same in one plain line, for a pipe. */
export function plainLineOf(shown: Shown, time: number): string {
  const { metrics, activity, summaries } = shown;
  const { p50, p99 } = metrics.commitLatency;
  const values = summaries
    .filter(({ metric }) => metric.rank < 100)
    .map(({ metric, last }) => `${metric.label} ${valueInWords(last, metric.unit)}`);
  return [
    new Date(time).toISOString(),
    `lsn ${metrics.nextLsn - 1}`,
    ...keptInWords(shown),
    `events per commit ${threeDigits(activity.eventsPerCommit)}`,
    `commit latency p50 ${millisecondsInWords(p50)} p99 ${millisecondsInWords(p99)}`,
    ...values,
    ...(shown.trouble === null ? [] : [shown.trouble]),
  ]
    .map((part) => part.replace(', ', ' '))
    .join(' | ');
}
