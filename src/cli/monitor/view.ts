import type { MillMetrics } from '../../streams/status.js';
import { counted, elapsedInWords, millisecondsInWords, threeDigits } from '../words.js';
import type { Activity } from './activity.js';
import { metricOf, valueInWords } from './metrics.js';
import type { Line } from './screen.js';
import { derivedInWords, keptInWords } from './state-words.js';
import { type MinuteSummary, ROLLUP, type Summary, type TenSeconds } from './summaries.js';

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
  /** `null` where the newest ones are from long before. */
  readonly tenSeconds: TenSeconds | null;
  /** Newest first. */
  readonly minutes: readonly MinuteSummary[];
}

const VALUE_WIDTH = 11;
const LABEL_WIDTH_MAX = 32;
/** `12:34, so far`, and a space. */
const MINUTE_WIDTH = 14;
/** Below this width only some of the values are shown. */
const WIDE_COLUMNS = 64;
/** From this height on all minutes that are kept are shown, below it the open one and the one before. */
const TALL_ROWS = 30;

/** The lines of the live view, for a terminal of this size. Lines that are too long are clipped by the screen. */
export function viewOf(shown: Shown, columns: number, rows: number): Line[] {
  const { metrics, activity, checkpoint, trouble } = shown;
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
    ...rollup(shown.minutes.slice(0, rows < TALL_ROWS ? 2 : undefined), columns),
    ...inLines(commitsInWords(metrics, activity), '   ', columns).map((text) => ({ text })),
    ...inLines(keptInWords(checkpoint, metrics), '   ', columns).map((text) => ({ text })),
    ...inLines(derivedInWords(metrics), '   ', columns).map((text) => ({ text })),
    ...(trouble === null ? [] : inLines(trouble.split(' '), ' ', columns)).map(
      (text): Line => ({ text, style: 'bold' }),
    ),
    { text: 'Ctrl-C closes the mill.', style: 'dim' },
  ];
  // One row stays free for the cursor.
  const room = rows - 1 - head.length - foot.length;
  return [...head, ...table(shown, columns, room), ...foot].slice(0, Math.max(1, rows - 1));
}

function table({ tenSeconds, metrics }: Shown, columns: number, room: number): Line[] {
  if (tenSeconds === null) {
    const isBehind = metrics.derived.some(({ state }) => state === 'catchingUp');
    const awaited = isBehind ? 'statistics to have caught up with history' : 'the first second of samples';
    return [{ text: `waiting for ${awaited}`, style: 'dim' }];
  }
  const names = columns >= WIDE_COLUMNS ? ['last', 'min', 'avg', 'max'] : ['last', 'max'];
  const valuesOf = ({ metric, last, min, mean, max }: Summary) => {
    const values: Record<string, number> = { last, min, avg: mean, max };
    return names.map((name) => valueInWords(values[name]!, metric.unit));
  };
  const { end, summaries } = tenSeconds;
  const isCut = summaries.length + 1 > room;
  const fitting = isCut ? Math.max(0, room - 2) : summaries.length;
  return [
    { text: row(`10 seconds to ${clockTime(end)}`, names, columns), style: 'dim' },
    ...summaries.slice(0, fitting).map((summary) => ({ text: row(summary.metric.label, valuesOf(summary), columns) })),
    ...(isCut ? [{ text: `${summaries.length - fitting} more on a taller terminal`, style: 'dim' } as Line] : []),
  ];
}

/** The latest minutes, with a line that is free below. */
function rollup(minutes: readonly MinuteSummary[], columns: number): Line[] {
  if (minutes.length === 0) return [];
  const fitting = Math.floor((columns - MINUTE_WIDTH) / VALUE_WIDTH) - 1;
  const shownColumns = ROLLUP.slice(0, Math.max(1, fitting));
  const headings = ['samples', ...shownColumns.map(({ heading }) => heading)];
  return [
    { text: row('minute', headings, columns), style: 'dim' },
    ...minutes.map(({ start, isOpen, samples, values }) => {
      const label = `${clockTime(start).slice(0, 5)}${isOpen ? ', so far' : ''}`;
      const words = shownColumns.map((column, at) => rollupValue(values[at]!, column.name));
      return { text: row(label, [counted(samples), ...words], columns) };
    }),
    { text: '' },
  ];
}

export function rollupValue(value: number | null, name: string): string {
  return value === null ? '-' : valueInWords(value, metricOf(name)!.unit);
}

/** A line of a table: a label, and values to the right. */
function row(label: string, values: readonly string[], columns: number): string {
  const labelWidth = Math.max(10, Math.min(LABEL_WIDTH_MAX, columns - values.length * VALUE_WIDTH));
  return `${label.slice(0, labelWidth - 1).padEnd(labelWidth)}${values.map((value) => value.padStart(VALUE_WIDTH)).join('')}`;
}

/** The time of day where the terminal is. */
function clockTime(time: number): string {
  return new Date(time).toTimeString().slice(0, 8);
}

/** Where the log stands. */
function commitsInWords({ nextLsn, commitLatency: { p50, p99 } }: MillMetrics, activity: Activity): string[] {
  return [
    `lsn ${counted(nextLsn - 1)}`,
    `${threeDigits(activity.commitsPerSecond)} commits/s of ${threeDigits(activity.eventsPerCommit)} events`,
    `p50 ${millisecondsInWords(p50)}, p99 ${millisecondsInWords(p99)}`,
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
