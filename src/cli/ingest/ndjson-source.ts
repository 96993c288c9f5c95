import { isUtf8 } from 'node:buffer';
import { InputError } from '../report.js';
import { counted } from '../words.js';
import { ROW_BYTES_MAX, type Source, type SourceRow } from './source.js';

const LINE_FEED = 0x0a;

/** One JSON object a line. Empty lines are passed over. */
export class NdjsonSource implements Source {
  readonly format = 'ndjson';
  private lines = 0;

  constructor(private readonly chunks: AsyncIterable<Buffer>) {}

  async *batches(): AsyncGenerator<SourceRow[]> {
    /** Parts of a line that goes on in the next chunk: put together once, when it ends. */
    let parts: Buffer[] = [];
    let partsLength = 0;
    for await (const chunk of this.chunks) {
      const rows: SourceRow[] = [];
      let start = 0;
      for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
        const rest = chunk.subarray(start, end);
        this.take(parts.length === 0 ? rest : Buffer.concat([...parts, rest]), rows);
        parts = [];
        partsLength = 0;
        start = end + 1;
      }
      parts.push(chunk.subarray(start));
      partsLength += chunk.length - start;
      if (rows.length > 0) yield rows;
      if (partsLength > ROW_BYTES_MAX) throw this.tooLong();
    }
    const rows: SourceRow[] = [];
    if (partsLength > 0) this.take(Buffer.concat(parts), rows);
    if (rows.length > 0) yield rows;
  }

  columnsOf(sample: readonly SourceRow[]): string[] {
    const names = new Set<string>();
    for (const row of sample)
      if (row.fault === null) for (const name of Object.keys(row.cells as object)) names.add(name);
    return [...names];
  }

  cellReader(column: string): (row: SourceRow) => unknown {
    return (row) => (row.cells as Record<string, unknown>)[column];
  }

  surplusOf(row: SourceRow, columns: ReadonlySet<string>): string | null {
    for (const name in row.cells as object)
      if (!columns.has(name)) return `has ${JSON.stringify(name.slice(0, 80))}, which the stream has not`;
    return null;
  }

  private take(line: Buffer, rows: SourceRow[]): void {
    this.lines++;
    if (line.length > ROW_BYTES_MAX) throw this.tooLong();
    const text = line.toString('utf8', this.lines === 1 && startsWithByteOrderMark(line) ? 3 : 0);
    if (text.trim() === '') return;
    const { fault, cells } = parsed(text, line);
    rows.push({ line: this.lines, fault, cells, original: () => line });
  }

  private tooLong(): InputError {
    const limit = `${ROW_BYTES_MAX / 1024 / 1024} MiB`;
    return new InputError(`Line ${counted(this.lines + 1)} is longer than ${limit}: is this file NDJSON?`);
  }
}

function parsed(text: string, line: Buffer): { fault: string | null; cells: unknown } {
  // Decoding puts this character in the place of what is not UTF-8.
  if (text.includes('\ufffd') && !isUtf8(line)) return { fault: 'is not UTF-8', cells: {} };
  try {
    const cells: unknown = JSON.parse(text);
    const isObject = typeof cells === 'object' && cells !== null && !Array.isArray(cells);
    return isObject ? { fault: null, cells } : { fault: 'is not a JSON object', cells: {} };
  } catch {
    return { fault: 'is not JSON', cells: {} };
  }
}

function startsWithByteOrderMark(line: Buffer): boolean {
  return line[0] === 0xef && line[1] === 0xbb && line[2] === 0xbf;
}
