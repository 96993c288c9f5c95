import { Writable } from 'node:stream';
import type { Ingest } from './ingest.js';
import { ManyReceipt } from './receipts.js';

/**
 * A Node `Writable` over a stream: takes events while the log has room, holds its source back while not, and finishes
 * when the last event is durable. The first failure, of an event or of the log, destroys it.
 */
export function writableOf<I, T>(writing: () => Ingest<I, T>): Writable {
  let taken = 0;
  let finish: (error?: Error | null) => void = () => {};
  const receipt = new ManyReceipt(
    () => finish(),
    (error) => writable.destroy(error as Error),
  );
  const take = (events: readonly I[], done: (error?: Error | null) => void) => {
    let at = 0;
    const takeOne = () => {
      if (receipt.isOver) return true;
      writing().appendTaken(events[at++]!, receipt);
      taken++;
      return at === events.length;
    };
    const fail = (error: unknown) => done(error as Error);
    try {
      writing().whileRoom(takeOne, () => done(), fail);
    } catch (error) {
      fail(error);
    }
  };
  const writable: Writable = new Writable({
    objectMode: true,
    highWaterMark: 1_024,
    write: (event: I, _encoding, done) => take([event], done),
    writev: (chunks, done) =>
      take(
        chunks.map(({ chunk }) => chunk as I),
        done,
      ),
    final: (done) => {
      finish = done;
      receipt.expect(taken);
    },
  });
  return writable;
}
