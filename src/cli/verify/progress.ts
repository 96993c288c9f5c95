import { SingleBar } from 'cli-progress';
import { bytesInWords } from '../words.js';

/** How far reading is: a bar on a terminal, on stderr, so that stdout has the report only. */
export class Progress {
  private readonly bar = process.stderr.isTTY ? new SingleBar(OPTIONS) : null;
  private bytes = 0;

  constructor(private readonly total: number) {
    this.bar?.start(total, 0, { size: bytesInWords(total) });
  }

  /** So many more bytes were read. */
  read(bytes: number): void {
    this.bytes += bytes;
    this.bar?.update(Math.min(this.bytes, this.total));
  }

  stop(): void {
    this.bar?.stop();
  }
}

const OPTIONS = {
  format: '[{bar}] {percentage} % of {size} of segments  {eta_formatted} left',
  barsize: 24,
  stream: process.stderr,
  clearOnComplete: true,
  // When the process ends is the command's matter.
  gracefulExit: false,
  fps: 5,
};
