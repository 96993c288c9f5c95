import { bytesInWords, millisecondsInWords, threeDigits } from '../words.js';
import type { StreamName } from './streams.js';

/** How the values of a metric are said. */
export type Unit = 'percent' | 'number' | 'bytes' | 'rate' | 'milliseconds';

/** One line of the view: a column of a stream, or of one of its keys. */
export interface Metric {
  readonly label: string;
  readonly unit: Unit;
  /** Lines are in this order; what does not fit on the terminal is the end. */
  readonly rank: number;
}

type Row = Readonly<Record<string, string | number>>;

const cores = (row: Row): Metric =>
  row.core === 'all'
    ? { label: 'cpu, all cores', unit: 'percent', rank: 0 }
    : { label: `cpu, core ${row.core}`, unit: 'percent', rank: 100 + Number(row.core) };

/** What is shown, per stream and column. */
const SHOWN: { readonly [N in StreamName]: Readonly<Record<string, (row: Row) => Metric>> } = {
  cpu: { used: cores },
  load: { one: () => ({ label: 'load, 1 min', unit: 'number', rank: 1 }) },
  memory: {
    used: () => ({ label: 'memory, used', unit: 'bytes', rank: 2 }),
    free: () => ({ label: 'memory, free', unit: 'bytes', rank: 3 }),
    rss: () => ({ label: 'this process, memory', unit: 'bytes', rank: 4 }),
    heap: () => ({ label: 'this process, heap', unit: 'bytes', rank: 5 }),
  },
  event_loop: {
    mean: () => ({ label: 'event loop, delay', unit: 'milliseconds', rank: 6 }),
    max: () => ({ label: 'event loop, longest', unit: 'milliseconds', rank: 7 }),
  },
  disk: {
    read: ({ device }) => ({ label: `disk ${device}, read`, unit: 'rate', rank: 10 }),
    written: ({ device }) => ({ label: `disk ${device}, written`, unit: 'rate', rank: 10 }),
  },
  network: {
    received: ({ device }) => ({ label: `network ${device}, received`, unit: 'rate', rank: 20 }),
    sent: ({ device }) => ({ label: `network ${device}, sent`, unit: 'rate', rank: 20 }),
  },
};

/** The metrics of an event, with their values. */
export function metricsOfRow(stream: StreamName, row: Row): { readonly metric: Metric; readonly value: number }[] {
  return Object.entries(SHOWN[stream]).map(([column, metric]) => ({
    metric: metric(row),
    value: row[column] as number,
  }));
}

export function valueInWords(value: number, unit: Unit): string {
  switch (unit) {
    case 'percent':
      return `${value.toFixed(1)} %`;
    case 'bytes':
      return bytesInWords(value);
    case 'rate':
      return `${bytesInWords(value)}/s`;
    case 'milliseconds':
      return millisecondsInWords(value);
    default:
      return threeDigits(value);
  }
}
