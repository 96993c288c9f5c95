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

/** A value of a metric, which is named as in `cpu.all.used` or `memory.free`. */
export interface Value {
  readonly ts: number;
  readonly metric: string;
  readonly value: number;
}

type Row = Readonly<Record<string, string | number>>;
type Shown = (key: string) => Metric;

const cores = (core: string): Metric =>
  core === 'all'
    ? { label: 'cpu, all cores', unit: 'percent', rank: 0 }
    : { label: `cpu, core ${core}`, unit: 'percent', rank: 100 + Number(core) };

/** What is shown, per stream and column. */
const SHOWN: {
  readonly [N in StreamName]: { readonly key?: string; readonly columns: Readonly<Record<string, Shown>> };
} = {
  cpu: { key: 'core', columns: { used: cores } },
  load: { columns: { one: () => ({ label: 'load, 1 min', unit: 'number', rank: 1 }) } },
  memory: {
    columns: {
      used: () => ({ label: 'memory, used', unit: 'bytes', rank: 2 }),
      free: () => ({ label: 'memory, free', unit: 'bytes', rank: 30 }),
      rss: () => ({ label: 'this process, memory', unit: 'bytes', rank: 3 }),
      heap: () => ({ label: 'this process, heap', unit: 'bytes', rank: 31 }),
    },
  },
  event_loop: {
    columns: {
      mean: () => ({ label: 'event loop, delay', unit: 'milliseconds', rank: 32 }),
      max: () => ({ label: 'event loop, longest', unit: 'milliseconds', rank: 4 }),
    },
  },
  disk: {
    key: 'device',
    columns: {
      read: (device) => ({ label: `disk ${device}, read`, unit: 'rate', rank: 10 }),
      written: (device) => ({ label: `disk ${device}, written`, unit: 'rate', rank: 10 }),
    },
  },
  network: {
    key: 'device',
    columns: {
      received: (device) => ({ label: `network ${device}, received`, unit: 'rate', rank: 20 }),
      sent: (device) => ({ label: `network ${device}, sent`, unit: 'rate', rank: 20 }),
    },
  },
};

/** The values of the metrics in a row. */
export function valuesOf(stream: StreamName, row: Row): Value[] {
  const { key, columns } = SHOWN[stream];
  const prefix = key === undefined ? stream : `${stream}.${row[key]}`;
  return Object.keys(columns).map((column) => ({
    ts: row.ts as number,
    metric: `${prefix}.${column}`,
    value: row[column] as number,
  }));
}

/** The metric of a name; `null` for one that this version does not show. */
export function metricOf(name: string): Metric | null {
  // The name of a device may hold dots, those of streams and columns do not.
  const [stream, ...rest] = name.split('.');
  const column = rest.pop();
  const shown = SHOWN[stream as StreamName] as (typeof SHOWN)[StreamName] | undefined;
  return shown?.columns[column ?? '']?.(rest.join('.')) ?? null;
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
