import fs from 'node:fs';
import { join } from 'node:path';
import { writeDurably } from './json-lines.js';

/** As many zeros as a mill prepares in its log file: a write into them changes no metadata of the file system. */
const PREPARED_BYTES = 1024 * 1024;

/** What the disk and Node's thread pool take at least: an asynchronous write and fdatasync at the end of a prepared file. */
export class BareFile {
  #end = 0;

  constructor(directory) {
    this.descriptor = fs.openSync(join(directory, 'bare'), 'w');
    fs.writeSync(this.descriptor, Buffer.alloc(PREPARED_BYTES), 0, PREPARED_BYTES, 0);
    fs.fsyncSync(this.descriptor);
  }

  write(bytes, done) {
    writeDurably(this.descriptor, bytes, this.#end, (error) => {
      if (error) throw error;
      this.#end += bytes.length;
      done();
    });
  }

  close() {
    fs.closeSync(this.descriptor);
  }
}
