/** Text that is gathered before it is written: a write per line would cost more than making the line. */
const GATHERED_LENGTH = 32 * 1024;

/** What a write fails with when nobody reads any more: a pipe, a closed stream, a terminal that is gone. */
const GONE = ['EPIPE', 'ERR_STREAM_DESTROYED', 'EIO'];

/**
 * Lines to stdout, no faster than they are taken. When the reader of a pipe goes away (`millrace tail … | head`), that
 * is no error: `isGone` says it, and what is written after it is dropped.
 */
export class Output {
  isGone = false;
  private gathered = '';
  private readonly goneCallbacks = new Set<() => void>();

  constructor(private readonly stream: NodeJS.WriteStream = process.stdout) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (!GONE.includes(error.code ?? '')) throw error;
      this.isGone = true;
      for (const callback of this.goneCallbacks) callback();
    });
  }

  get isTerminal(): boolean {
    return this.stream.isTTY === true;
  }

  /** Gives the way to take the callback away again. */
  onGone(callback: () => void): () => void {
    this.goneCallbacks.add(callback);
    return () => this.goneCallbacks.delete(callback);
  }

  /** Writes a line at once, however far the reader is behind: for the few lines of a status. */
  say(text: string): void {
    this.write(`${text}\n`);
  }

  /** Adds a line. Await it. */
  async line(text: string): Promise<void> {
    this.gathered += `${text}\n`;
    if (this.gathered.length >= GATHERED_LENGTH) await this.flush();
  }

  async flush(): Promise<void> {
    const text = this.gathered;
    this.gathered = '';
    if (text !== '' && !this.write(text)) await this.drained();
  }

  private drained(): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.stream.off('drain', done);
        release();
        resolve();
      };
      const release = this.onGone(done);
      this.stream.on('drain', done);
    });
  }

  private write(text: string): boolean {
    return this.isGone || this.stream.write(text);
  }
}
