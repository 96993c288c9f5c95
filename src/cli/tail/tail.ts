import { setTimeout as delay } from 'node:timers/promises';
import { MillraceError } from '../../errors.js';
import { FileStorage } from '../../storage/file-storage.js';
import type { RememberedStream } from '../../streams/catalog.js';
import { batchesOf } from '../../streams/ingest.js';
import { eachRow } from '../../streams/merge.js';
import { type Row, RowCodec } from '../../streams/row-codec.js';
import type { Commit } from '../../wal/commit.js';
import type { Output } from '../output.js';
import { EXIT, type ExitCode } from '../report.js';
import { onStopSignal } from '../signals.js';
import { LogReader } from './log-reader.js';
import { jsonFormat, type RowFormat, textFormat } from './row-words.js';

export interface TailOptions {
  readonly stream: string;
  readonly dir: string;
  /** From this lsn on, or `undefined`: the last ones. */
  readonly from?: 'earliest' | 'latest' | number;
  /** How many at most. */
  readonly lines?: number;
  readonly follow: boolean;
  readonly json: boolean;
}

const LINES_DEFAULT = 10;
const POLL_MS = 200;

/** Shows events of a stream, also while another process holds the mill, and goes on as they become durable. */
export async function tail(options: TailOptions, output: Output): Promise<ExitCode> {
  const reader = await LogReader.open(new FileStorage(), options.dir);
  const stop = new AbortController();
  const release = onStopSignal(() => stop.abort());
  output.onGone(() => stop.abort());
  const printer = new Printer(reader, options, output);
  try {
    const loss = await reader.findLoss();
    await printer.printHistory(stop.signal);
    await output.flush();
    if (loss !== null && !stop.signal.aborted) throw loss;
    while (options.follow && !printer.isFull && !stop.signal.aborted) {
      await delay(POLL_MS, undefined, { signal: stop.signal }).catch(() => {});
      await printer.printNew(stop.signal);
      await output.flush();
    }
  } finally {
    release();
  }
  return EXIT.done;
}

/** Events of a commit, not decoded yet. */
interface Held {
  readonly commit: Commit;
  readonly rows: number;
}

class Printer {
  private left: number;
  private firstLsn: number;
  private codec: { readonly version: number; readonly rows: RowCodec<Row>; readonly format: RowFormat } | null = null;

  constructor(
    private readonly reader: LogReader,
    private readonly options: TailOptions,
    private readonly output: Output,
  ) {
    const { from, lines, follow } = options;
    // Without a place to begin at, `lines` says how many of the last events come first; following goes on after them.
    this.left = from === undefined || lines === undefined ? Number.POSITIVE_INFINITY : lines;
    this.firstLsn = typeof from === 'number' ? from : 0;
    if (from === 'latest' && !follow) this.left = 0;
  }

  get isFull(): boolean {
    return this.left <= 0;
  }

  async printHistory(signal: AbortSignal): Promise<void> {
    const { from, lines = LINES_DEFAULT } = this.options;
    if (from === undefined) await this.printLast(lines, signal);
    else if (from !== 'latest') await this.printNew(signal);
    else for await (const _ of this.reader.commits()) if (signal.aborted) return;
    // Only now, as a stream is known when the log was read.
    if (!signal.aborted) this.stream();
  }

  /** Prints what became durable since the last call. */
  async printNew(signal: AbortSignal): Promise<void> {
    for await (const commit of this.reader.commits()) {
      await this.print(commit);
      if (this.isFull || signal.aborted) return;
    }
  }

  /** Holds the commits that have the last `count` events, and prints these when the end is reached. */
  private async printLast(count: number, signal: AbortSignal): Promise<void> {
    const held: Held[] = [];
    let total = 0;
    for await (const commit of this.reader.commits()) {
      if (signal.aborted) return;
      const rows = this.batches(commit).reduce((sum, batch) => sum + batch.rows, 0);
      if (rows === 0) continue;
      held.push({ commit, rows });
      for (total += rows; held.length > 0 && total - held[0]!.rows >= count; ) total -= held.shift()!.rows;
    }
    let skip = total - count;
    for (const { commit } of held) {
      await this.print(commit, Math.max(0, skip));
      skip = 0;
    }
  }

  private async print(commit: Commit, skip = 0): Promise<void> {
    const lines: string[] = [];
    const sources = this.batches(commit).map((batch) => ({ batch, read: this.decoder().rows.reader(batch) }));
    if (sources.length === 0) return;
    let toSkip = skip;
    eachRow(sources, 0, Number.POSITIVE_INFINITY, ({ batch, read }, row) => {
      const lsn = batch.lsnOf(row);
      if (toSkip-- > 0 || lsn < this.firstLsn || this.left <= 0) return;
      this.left--;
      lines.push(this.decoder().format(lsn, read(row)));
    });
    for (const line of lines) await this.output.line(line);
  }

  private batches(commit: Commit) {
    const stream = this.reader.catalog.find(this.options.stream);
    return stream === undefined ? [] : batchesOf(commit, stream.id, this.reader.catalog);
  }

  /** For the newest version of the schema; older events lack the columns that were added. */
  private decoder() {
    const stream = this.stream();
    const version = stream.versions.length;
    if (this.codec?.version !== version) {
      const { columns } = stream.versions.at(-1)!;
      const format = this.options.json ? jsonFormat(columns) : textFormat(columns);
      this.codec = { version, rows: new RowCodec(stream.name, columns), format };
    }
    return this.codec;
  }

  private stream(): RememberedStream {
    const { catalog } = this.reader;
    const { stream: name, dir } = this.options;
    const stream = catalog.find(name);
    if (stream !== undefined) return stream;
    const known = catalog.streams.map((other) => other.name).sort();
    const message = `There is no stream "${name}" in ${dir}; it has ${known.join(', ') || 'none'}.`;
    throw new MillraceError('UNKNOWN_STREAM', message, { stream: name });
  }
}
