import { inFreshDirectory } from '../directories.js';
import { collectGarbage, ingestFor, rotated, summary } from '../measure.js';
import { batchesOf, eventsFrom } from '../workload.js';

const BATCH_SIZES = [100, 1_000, 10_000];
const EVENTS = 200_000;
/** Of batches that are in flight together. More would only measure the memory that they take. */
const EVENTS_IN_FLIGHT = 131_072;

/** Rows, durable when counted, in batches: everyone with the same events, one round after the other. */
export async function run({ seconds, rounds, contenders, progress }) {
  const events = eventsFrom(0, EVENTS);
  const cells = BATCH_SIZES.flatMap((size) =>
    contenders.flatMap((contender) =>
      contender.inFlight.map((inFlight) => ({
        contender,
        size,
        inFlight,
        batches: batchesOf(size, events),
        rates: [],
      })),
    ),
  );
  // To warm up: everyone's code is compiled before anyone is measured.
  for (const contender of contenders) {
    await measure(
      cells.find((cell) => cell.contender === contender),
      0.3,
    );
  }
  for (let round = 0; round < rounds; round++) {
    for (const cell of rotated(cells, Math.round((round * cells.length) / rounds))) {
      progress(`round ${round + 1}: ${cell.contender.name}, ${cell.size}`);
      cell.rates.push(await measure(cell, seconds));
    }
  }
  return cells.map(({ contender, size, inFlight, rates }) => ({
    what: 'rows',
    who: contender.name,
    how: contender.how,
    size,
    inFlight,
    unit: 'events/s',
    ...summary(rates),
  }));
}

function measure({ contender, batches, inFlight }, seconds) {
  return inFreshDirectory(async (directory) => {
    collectGarbage();
    const session = await contender.open(directory);
    const batchesInFlight = Math.min(inFlight, Math.ceil(EVENTS_IN_FLIGHT / batches[0].length));
    const rate = await ingestFor(seconds, batches, batchesInFlight, session.write);
    await session.close();
    return rate;
  });
}
