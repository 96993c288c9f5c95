import { isUtf8 } from 'node:buffer';
import { finished } from 'node:stream';
import { CsvError, type Parser, parse } from 'csv-parse';
import { InputError } from '../report.js';
import { counted } from '../words.js';
import { csvLine } from './csv-line.js';
import { ROW_BYTES_MAX, type Source, type SourceRow } from './source.js';

const NOT_ASCII = /[^\0-\x7f]/;

/**
 * CSV with a header row. Bytes are parsed as Latin-1, where every byte is one character, and cells are decoded as UTF-8
 * one by one: so a cell that is not UTF-8 costs its row and not the file, and the reject file gets its very bytes.
 */
export class CsvSource implements Source {
  readonly format = 'csv';
  private header: readonly string[] | null = null;
  private rows: SourceRow[] = [];
  /** Line breaks that the parser counted twice: CR LF inside quotes. */
  private surplusLines = 0;
  private lastLine = 0;

  constructor(
    private readonly chunks: AsyncIterable<Buffer>,
    private readonly delimiter: string,
  ) {}

  async *batches(): AsyncGenerator<SourceRow[]> {
    const parser = this.parser();
    // Told by the callbacks of `write` and `end` already.
    parser.on('error', () => {});
    let isFirst = true;
    for await (const chunk of this.chunks) {
      const bytes = isFirst ? withoutByteOrderMark(chunk) : chunk;
      isFirst = false;
      yield* this.parsed((done) => parser.write(bytes, done));
    }
    // Nothing comes out of the parser's readable side, but it ends only when it is read.
    parser.resume();
    yield* this.parsed((done) => finished(parser.end(), done));
    if (this.header === null) throw new InputError('There is no header row: the file is empty.');
  }

  /** Lets the parser do a step, and gives the rows that came of it, also before an error. */
  private async *parsed(step: (done: (error?: Error | null) => void) => void): AsyncGenerator<SourceRow[]> {
    const failure = await new Promise<Error | null | undefined>(step);
    if (this.rows.length > 0) yield this.rows.splice(0);
    if (failure) throw this.worded(failure);
  }

  columnsOf(): string[] {
    return [...(this.header ?? [])];
  }

  cellReader(column: string): (row: SourceRow) => unknown {
    const at = this.header!.indexOf(column);
    return at < 0 ? () => undefined : (row) => (row.cells as readonly string[])[at];
  }

  surplusOf(): null {
    return null;
  }

  private parser(): Parser {
    return parse({
      encoding: 'latin1',
      delimiter: this.delimiter,
      record_delimiter: ['\r\n', '\n', '\r'],
      skip_empty_lines: true,
      // The count of cells is judged here; a quote inside a cell without quotes is text.
      relax_column_count: true,
      relax_quotes: true,
      max_record_size: ROW_BYTES_MAX,
      on_record: (cells: string[], { lines }: { lines: number }) => {
        this.take(cells, lines);
        // Rows are taken here, in one go for a chunk, not one by one from the parser's readable side.
        return null;
      },
    });
  }

  private take(raw: string[], lastLine: number): void {
    const breaks = lastLine - this.lastLine > 1 ? breaksIn(raw) : NO_BREAKS;
    this.lastLine = lastLine;
    const line = lastLine - this.surplusLines - breaks.counted;
    this.surplusLines += breaks.surplus;
    const cells = raw.map(decoded);
    if (this.header === null) {
      const broken = cells.indexOf(null);
      if (broken >= 0) throw new InputError(`The header in line ${line} is not UTF-8 (column ${broken + 1}).`);
      this.header = cells as string[];
      return;
    }
    this.rows.push({
      line,
      fault: faultOf(cells, this.header.length),
      cells,
      original: () => Buffer.from(csvLine(raw, this.delimiter), 'latin1'),
    });
  }

  private worded(error: Error): Error {
    if (!(error instanceof CsvError)) return error;
    const place = `The row that begins at line ${counted(this.lastLine - this.surplusLines + 1)}`;
    if (error.code === 'CSV_QUOTE_NOT_CLOSED')
      return new InputError(`${place} has a quote that is never closed.`, { cause: error });
    if (error.code === 'CSV_MAX_RECORD_SIZE') {
      const limit = `is longer than ${ROW_BYTES_MAX / 1024 / 1024} MiB`;
      return new InputError(`${place} ${limit}: is one of its quotes never closed?`, { cause: error });
    }
    return new InputError(`${place} cannot be read: ${error.message}`, { cause: error });
  }
}

const NO_BREAKS = { counted: 0, surplus: 0 };

/** How many line breaks the cells hold as the parser counts them, and how many of these it counted twice. */
function breaksIn(cells: readonly string[]): { counted: number; surplus: number } {
  const text = cells.join(' ');
  const surplus = text.match(/\r\n/g)?.length ?? 0;
  return { counted: text.match(/[\r\n]/g)?.length ?? 0, surplus };
}

/** `null` where the bytes are not UTF-8. */
function decoded(cell: string): string | null {
  if (!NOT_ASCII.test(cell)) return cell;
  const bytes = Buffer.from(cell, 'latin1');
  return isUtf8(bytes) ? bytes.toString('utf8') : null;
}

function faultOf(cells: readonly (string | null)[], columns: number): string | null {
  if (cells.length !== columns) return `has ${cells.length} cells where the header has ${columns}`;
  const broken = cells.indexOf(null);
  return broken < 0 ? null : `cell ${broken + 1} is not UTF-8`;
}

function withoutByteOrderMark(chunk: Buffer): Buffer {
  if ((chunk[0] === 0xff && chunk[1] === 0xfe) || (chunk[0] === 0xfe && chunk[1] === 0xff))
    throw new InputError('The file is UTF-16. Convert it to UTF-8 first.');
  return chunk[0] === 0xef && chunk[1] === 0xbb && chunk[2] === 0xbf ? chunk.subarray(3) : chunk;
}
