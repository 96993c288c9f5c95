import { createTextFile, type TextFile } from '../../storage/text-files.js';
import { InputError, inWords } from '../report.js';
import { csvLine } from './csv-line.js';
import type { Format, SourceRow } from './source.js';

interface Rejected {
  readonly row: SourceRow;
  readonly reason: string;
}

/**
 * Rows that were not taken, in a file of their own with line number and reason. In a CSV file these two columns come
 * first, and then the row as it was, so that cutting them off gives a file to mend and to ingest again.
 */
export class Rejects {
  count = 0;
  private file: TextFile | null = null;
  private waiting: Rejected[] = [];
  private readonly reasons = new Map<string, number>();

  constructor(
    readonly path: string,
    private readonly format: Format,
    private readonly delimiter: string,
    /** Of the CSV file. */
    private readonly header: readonly string[],
  ) {}

  add(row: SourceRow, reason: string): void {
    this.count++;
    this.waiting.push({ row, reason });
    // So many kinds of faults only; their number is bounded by the columns, but for faults that quote the row.
    if (this.reasons.has(reason) || this.reasons.size < 1_000)
      this.reasons.set(reason, (this.reasons.get(reason) ?? 0) + 1);
  }

  /** The most frequent reason, and how often. */
  get mainReason(): readonly [reason: string, count: number] | null {
    return [...this.reasons].sort((a, b) => b[1] - a[1])[0] ?? null;
  }

  /** Writes what was added. The file is made with the first rejected row; one of an earlier run is replaced. */
  async flush(): Promise<void> {
    const waiting = this.waiting.splice(0);
    if (waiting.length === 0) return;
    const lines: Uint8Array[] = [];
    if (this.file === null) {
      this.file = await createTextFile(this.path).catch((error) => {
        throw new InputError(`${inWords(error)}. Give rejected rows another file with --reject.`, { cause: error });
      });
      if (this.format === 'csv')
        lines.push(Buffer.from(`${csvLine(['line', 'reason', ...this.header], this.delimiter)}\n`));
    }
    for (const rejected of waiting) lines.push(...this.linesOf(rejected));
    await this.file.write(Buffer.concat(lines));
  }

  async close(): Promise<void> {
    await this.flush();
    await this.file?.close();
  }

  private linesOf({ row, reason }: Rejected): Uint8Array[] {
    if (this.format === 'ndjson') {
      const text = Buffer.from(row.original()).toString('utf8');
      return [Buffer.from(`${JSON.stringify({ line: row.line, reason, text })}\n`)];
    }
    const head = csvLine([String(row.line), reason], this.delimiter);
    return [Buffer.from(`${head}${this.delimiter}`), row.original(), Buffer.from('\n')];
  }
}
