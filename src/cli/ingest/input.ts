import { extname } from 'node:path';
import { lengthOf, readChunks } from '../../storage/text-files.js';
import { CsvSource } from './csv-source.js';
import { NdjsonSource } from './ndjson-source.js';
import { type Sampled, sampledFrom } from './plan.js';
import type { Format, Source, SourceRow } from './source.js';

/** Rows by which the columns of a file are judged. */
const SAMPLE_ROWS = 1_000;

const FORMATS: Readonly<Record<string, Format>> = {
  '.csv': 'csv',
  '.tsv': 'csv',
  '.ndjson': 'ndjson',
  '.jsonl': 'ndjson',
  '.json': 'ndjson',
};

export interface InputOptions {
  /** A path, or `-` for stdin. */
  readonly file: string;
  readonly format?: Format;
  readonly delimiter?: string;
}

/** A file that is open, of which the first rows were read. */
export interface Input {
  /** For messages. */
  readonly name: string;
  readonly source: Source;
  readonly delimiter: string;
  readonly sampled: Sampled;
  /** All rows, from the first on. */
  batches(): AsyncGenerator<SourceRow[]>;
}

/** Bytes of a file; `null` where nobody knows. */
export function sizeOf({ file }: InputOptions): Promise<number | null> {
  return file === '-' ? Promise.resolve(null) : lengthOf(file);
}

export const nameOf = ({ file }: InputOptions): string => (file === '-' ? 'stdin' : file);

/** Opens a file and reads its first rows. `read` hears of bytes as they are read. */
export async function openInput(
  options: InputOptions,
  signal: AbortSignal,
  read: (bytes: number) => void,
): Promise<Input> {
  const extension = extname(options.file).toLowerCase();
  const delimiter = options.delimiter ?? (extension === '.tsv' ? '\t' : ',');
  const chunks = readChunks(options.file, signal);
  const first = await chunks.next();
  const format = options.format ?? FORMATS[extension] ?? (first.done ? 'csv' : formatOf(first.value));
  const all = rejoined(first, chunks, read);
  const source = format === 'csv' ? new CsvSource(all, delimiter) : new NdjsonSource(all);
  const rest = source.batches();
  const sample: SourceRow[] = [];
  while (sample.length < SAMPLE_ROWS) {
    const batch = await rest.next();
    if (batch.done) break;
    sample.push(...batch.value);
  }
  async function* batches(): AsyncGenerator<SourceRow[]> {
    yield sample;
    yield* rest;
  }
  return {
    name: nameOf(options),
    source,
    delimiter,
    sampled: sampledFrom(source, sample.slice(0, SAMPLE_ROWS)),
    batches,
  };
}

/** What no name tells, the first bytes do: an object begins with a brace, and no header does. */
function formatOf(chunk: Buffer): Format {
  return chunk.toString('latin1', 0, 1_000).trimStart().startsWith('{') ? 'ndjson' : 'csv';
}

async function* rejoined(
  first: IteratorResult<Buffer>,
  rest: AsyncGenerator<Buffer>,
  read: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  if (first.done) return;
  read(first.value.length);
  yield first.value;
  for await (const chunk of rest) {
    read(chunk.length);
    yield chunk;
  }
}
