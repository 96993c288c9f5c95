import { SingleBar } from 'cli-progress';
import { bytesInWords, counted } from '../words.js';

/** How often a line is written where stderr is no terminal. */
const LINE_MS = 5_000;

/** How far an ingest is: a bar on a terminal, else a line every few seconds. On stderr, so that stdout has the result only. */
export class Progress {
  private readonly bar: SingleBar | null;
  private readonly startedAt = performance.now();
  private timer: NodeJS.Timeout | undefined;
  private bytes = 0;
  private rows = 0;
  private rejected = 0;

  /** `size`: bytes of the file, `null` where nobody knows. */
  constructor(private readonly size: number | null) {
    this.bar = process.stderr.isTTY ? new SingleBar(optionsOf(size)) : null;
  }

  start(): void {
    if (this.bar !== null) this.bar.start(this.size ?? 0, 0, { counts: '' });
    else this.timer = setInterval(() => process.stderr.write(`${this.share()}${this.counts()}\n`), LINE_MS);
  }

  /** So many more bytes were read. */
  read(bytes: number): void {
    this.bytes += bytes;
  }

  /** So many rows were taken and rejected so far. */
  update(rows: number, rejected: number): void {
    this.rows = rows;
    this.rejected = rejected;
    this.bar?.update(Math.min(this.bytes, this.size ?? this.bytes), { counts: this.counts() });
  }

  stop(): void {
    clearInterval(this.timer);
    this.bar?.stop();
  }

  private counts(): string {
    const seconds = (performance.now() - this.startedAt) / 1_000;
    const rejected = this.rejected === 0 ? '' : `, ${counted(this.rejected)} rejected`;
    const rate = counted(Math.round(this.rows / Math.max(seconds, 0.001)));
    return `${bytesInWords(this.bytes)}, ${counted(this.rows)} rows${rejected}, ${rate} rows/s`;
  }

  private share(): string {
    return this.size === null || this.size === 0 ? '' : `${Math.floor((100 * this.bytes) / this.size)} %, `;
  }
}

function optionsOf(size: number | null) {
  return {
    format: size === null ? '{counts}' : '[{bar}] {percentage} %  {counts}  {eta_formatted} left',
    barsize: 24,
    stream: process.stderr,
    hideCursor: true,
    clearOnComplete: true,
    // When the process ends is the command's matter.
    gracefulExit: false,
    fps: 5,
  };
}
