import { setTimeout as delay } from 'node:timers/promises';
import { atLsn, type RowPosition } from '../../snapshots/row-position.js';
import type { Piece } from '../../streams/history/piece.js';
import type { Row } from '../../streams/row-codec.js';
import { done } from '../log-files.js';
import type { Output } from '../output.js';
import { EXIT, type ExitCode } from '../report.js';
import { onStopSignal } from '../signals.js';
import { oneLine } from '../words.js';
import { MillView } from './mill-view.js';
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
/** Rows that are made into text before it is written. */
const ROWS_AT_ONCE = 256;

/** Shows events of a stream, also while another process holds the mill, and goes on as they become durable. */
export async function tail(options: TailOptions, output: Output): Promise<ExitCode> {
  const view = await MillView.open(options.dir, options.stream);
  const stop = new AbortController();
  const release = onStopSignal(() => stop.abort());
  output.onGone(() => stop.abort());
  try {
    const loss = await view.findLoss();
    await view.refresh();
    const printer = new Printer(view, options, output, stop.signal);
    await printer.begin();
    await printer.print();
    noteUnsaved(options.stream, view.unsavedFrom);
    if (loss !== null && !stop.signal.aborted) throw loss;
    while (options.follow && !printer.isFull && !stop.signal.aborted) {
      await delay(POLL_MS, undefined, { signal: stop.signal }).catch(() => {});
      await view.refresh();
      await printer.print();
    }
  } finally {
    release();
    await view.close();
  }
  return EXIT.done;
}

/** A derived stream costs no log: what is not in segments can be read in the process that derives it, and nowhere else. */
function noteUnsaved(stream: string, from: number | null): void {
  if (from === null) return;
  process.stderr.write(
    `note: ${oneLine(stream)} is derived: rows that come from events of lsn ${from} and later are shown after the next checkpoint of the process that has the mill open.\n`,
  );
}

class Printer {
  /** How many lines may still come. */
  private left: number;
  /** Every event below was passed. */
  private position = atLsn(0);
  private formatted: { readonly version: number; readonly format: RowFormat } | null = null;

  constructor(
    private readonly view: MillView,
    private readonly options: TailOptions,
    private readonly output: Output,
    private readonly signal: AbortSignal,
  ) {
    const { from, lines } = options;
    // Without a place to begin at, `lines` says how many of the last events come first; following goes on after them.
    this.left = from === undefined || lines === undefined ? Number.POSITIVE_INFINITY : lines;
  }

  get isFull(): boolean {
    return this.left <= 0;
  }

  private get isOver(): boolean {
    return this.isFull || this.signal.aborted;
  }

  /** Finds where to begin. @throws MillraceError `UNKNOWN_STREAM` */
  async begin(): Promise<void> {
    const { from, lines = LINES_DEFAULT } = this.options;
    const { view } = this;
    if (from === 'latest') this.position = atLsn(view.nextLsn);
    else if (from === undefined) this.position = await this.unmoved(() => this.lastRows(lines));
    else this.position = atLsn(from === 'earliest' ? 0 : from);
  }

  /** Where the first of the last `count` events stands: blocks are looked at from the end. */
  private async lastRows(count: number): Promise<RowPosition> {
    const { view, signal } = this;
    const end = atLsn(view.nextLsn);
    if (count === 0) return end;
    const time = view.codec().columns.find(({ role }) => role === 'time')!.name;
    const scan = view.scan(end, { columns: [time] });
    let found = atLsn(0);
    for (let left = count; left > 0 && !signal.aborted; ) {
      const piece = await done(scan.nextBack());
      if (piece === null) break;
      if (piece.count === 0) continue;
      // Of rows that are more than wanted, the last one that is wanted.
      const last = Math.min(left, piece.count) - 1;
      piece.visit(last, last + 1, true, (_, lsn, index) => {
        found = { lsn, index };
        return false;
      });
      left -= piece.count;
    }
    return found;
  }

  /** Prints what there is from where it stands. */
  async print(): Promise<void> {
    for (let piece = await this.next(); piece !== null && !this.isOver; piece = await this.next())
      await this.printPiece(piece);
    await this.output.flush();
  }

  /** The next rows; `null` where there are no more. */
  private next(): Promise<Piece<Row> | null> {
    return this.unmoved(async () => {
      const { view } = this;
      if (this.isOver) return null;
      const scan = view.scan(this.position);
      const piece = await done(scan.next(atLsn(view.nextLsn)));
      this.position = scan.position;
      return piece;
    });
  }

  private async printPiece(piece: Piece<Row>): Promise<void> {
    const format = this.format();
    for (let at = 0; at < piece.count && !this.isOver; ) {
      const lines: string[] = [];
      at = piece.visit(at, at + ROWS_AT_ONCE, true, (row, lsn) => {
        lines.push(format(lsn, row));
        return --this.left > 0;
      });
      for (const line of lines) await this.output.line(line);
    }
  }

  /** Reads in segments; again where they were merged or removed under it. */
  private async unmoved<T>(read: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await read();
      } catch (error) {
        if (!(await this.view.hasMoved())) throw error;
        await this.view.refresh();
      }
    }
  }

  /** For the newest version of the schema. */
  private format(): RowFormat {
    const { versions } = this.view.stream;
    if (this.formatted?.version !== versions.length) {
      const { columns } = versions.at(-1)!;
      const format = this.options.json ? jsonFormat(columns) : textFormat(columns);
      this.formatted = { version: versions.length, format };
    }
    return this.formatted.format;
  }
}
