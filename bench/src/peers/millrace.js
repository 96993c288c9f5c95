import { Subject } from 'rxjs'; // The library's own copy, which Node finds in the folder above.
import { openMill } from '../millrace.js';

export const millraceAppendMany = {
  name: 'millrace, appendMany',
  how: 'level sync, schema checked',
  inFlight: [1, 256],
  async load() {
    return async (directory) => {
      const { mill, readings } = await openMill(directory);
      return { write: (rows) => readings.appendMany(rows), close: () => mill.close() };
    };
  },
};

/** An Observable of events; each comes out when it is durable. */
export const millraceWrite = {
  name: 'millrace, write()',
  how: 'the same from an Observable; emits each event, decoded',
  inFlight: [256],
  async load() {
    return async (directory) => {
      const { mill, readings } = await openMill(directory);
      const source = new Subject();
      const batches = new OpenBatches();
      source.pipe(readings.write({ full: 'buffer' })).subscribe({
        next: () => batches.eventIsOut(),
        error: (error) => batches.fail(error),
      });
      return {
        write(rows) {
          const durable = batches.open(rows.length);
          for (const row of rows) source.next(row);
          return durable;
        },
        close: () => mill.close(),
      };
    };
  },
};

/** Says of each batch when its last event has come out. Events come out in the order in which they went in. */
class OpenBatches {
  #ends = [];
  #in = 0;
  #out = 0;
  #nextEnd = Number.POSITIVE_INFINITY;

  open(events) {
    this.#in += events;
    return new Promise((resolve, reject) => {
      this.#ends.push({ end: this.#in, resolve, reject });
      this.#nextEnd = this.#ends[0].end;
    });
  }

  eventIsOut() {
    if (++this.#out < this.#nextEnd) return;
    this.#ends.shift().resolve();
    this.#nextEnd = this.#ends[0]?.end ?? Number.POSITIVE_INFINITY;
  }

  fail(error) {
    for (const { reject } of this.#ends) reject(error);
  }
}
