import fs from 'node:fs';
import { join } from 'node:path';

/**
 * A file of JSON lines, the log that one writes by hand. It has group commit too: while one write is being synced, the
 * next lines are gathered.
 */
export const jsonLines = {
  name: 'JSON lines + fdatasync',
  how: 'a file, lines gathered while the last ones are synced',
  inFlight: [1, 256],
  async load() {
    return (directory) => {
      const descriptor = fs.openSync(join(directory, 'readings.ndjson'), 'w');
      const file = new GatheringFile(descriptor);
      return {
        write: (rows) => file.write(rows.map((row) => `${JSON.stringify(row)}\n`).join('')),
        close: () => fs.closeSync(descriptor),
      };
    };
  },
};

class GatheringFile {
  #texts = [];
  #waiting = [];
  #isWriting = false;

  constructor(descriptor) {
    this.descriptor = descriptor;
  }

  write(text) {
    return new Promise((resolve, reject) => {
      this.#texts.push(text);
      this.#waiting.push({ resolve, reject });
      if (!this.#isWriting) this.#writeNext();
    });
  }

  #writeNext() {
    const bytes = Buffer.from(this.#texts.join(''));
    const waiting = this.#waiting;
    this.#texts = [];
    this.#waiting = [];
    this.#isWriting = true;
    const done = (error) => {
      this.#isWriting = false;
      for (const { resolve, reject } of waiting) error ? reject(error) : resolve();
      if (this.#texts.length > 0) this.#writeNext();
    };
    writeDurably(this.descriptor, bytes, null, done);
  }
}

/** Writes everything and syncs it. `position` is `null` for the end of what was written before. */
export function writeDurably(descriptor, bytes, position, done) {
  fs.write(descriptor, bytes, 0, bytes.length, position, (error, written) => {
    if (error) done(error);
    else if (written < bytes.length) done(new Error(`short write: ${written} of ${bytes.length} bytes`));
    else fs.fdatasync(descriptor, done);
  });
}
