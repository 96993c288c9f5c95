import { from } from 'rxjs'; // The library's own copy, which Node finds in the folder above.
import { avg, count, max, sum, tumbling, windowed } from '../../../dist/index.js';
import { collectGarbage, now, rotated, summary } from '../measure.js';
import { windowsByHand } from '../windows-by-hand.js';
import { windowsByRxjs } from '../windows-by-rxjs.js';

const LATENESS_MS = 10_000;
const DISORDER_MS = 2_000;
const FIRST_TS = Date.UTC(2026, 0, 1);

/** In memory: tumbling windows with four aggregates, against a loop written by hand and against plain RxJS. An event each millisecond. */
export async function run({ quick, rounds, progress }) {
  const few = { keys: 1_000, events: quick ? 300_000 : 2_000_000, size: 60_000, name: '1,000 keys' };
  // All keys are open at the same time.
  const many = { keys: 1_000_000, events: quick ? 1_000_000 : 3_000_000, size: 3_600_000, name: '1 million keys' };
  return [
    ...measured(few, ['windowed', 'hand', 'rxjs'], rounds, progress),
    ...measured(many, ['windowed', 'hand'], rounds, progress),
  ];
}

const WHO = { windowed: 'millrace, windowed', hand: 'loop by hand', rxjs: 'RxJS, groupBy + scan' };

function measured({ keys, events, size, name }, names, rounds, progress) {
  const all = eventsOf(keys, events);
  const values = Object.fromEntries(names.map((who) => [who, []]));
  const outcomes = new Set();
  // The first round warms up.
  for (let round = -1; round < rounds; round++) {
    for (const who of rotated(names, Math.max(0, round))) {
      progress(`${name}, round ${round + 1}, ${WHO[who]}`);
      collectGarbage();
      const rows = new Tally();
      const startedAt = now();
      compute[who](all, size, rows);
      const elapsed = (now() - startedAt) / 1000;
      outcomes.add(String(rows));
      if (round >= 0) values[who].push(events / elapsed);
    }
  }
  if (outcomes.size !== 1) throw new Error(`The rows are not the same: ${[...outcomes].join(' and ')}`);
  return names.map((who) => ({
    what: `windows, ${name}`,
    who: WHO[who],
    unit: 'events/s',
    values: values[who],
    ...summary(values[who]),
  }));
}

const compute = {
  windowed: (events, size, rows) =>
    from(events)
      .pipe(
        windowed(tumbling(size), {
          by: 'device',
          time: 'ts',
          lateness: LATENESS_MS,
          aggregate: { mean: avg('temperature'), peak: max('temperature'), total: sum('humidity'), n: count() },
        }),
      )
      .subscribe((row) => rows.take(row)),
  hand: (events, size, rows) => windowsByHand(events, size, LATENESS_MS, (row) => rows.take(row)),
  rxjs: (events, size, rows) => windowsByRxjs(events, size, LATENESS_MS).subscribe((row) => rows.take(row)),
};

/** Whether all have the same rows, in whatever order. */
class Tally {
  rows = 0;
  events = 0;
  sum = 0;

  take({ count, mean, peak, total, start, lastTime }) {
    this.rows++;
    this.events += count;
    this.sum += mean + peak + total + (lastTime - start);
  }

  toString() {
    return `${this.rows} rows of ${this.events} events, ${this.sum.toPrecision(9)}`;
  }
}

function eventsOf(keys, count) {
  const random = randomFrom(21);
  const hundredths = (below) => Math.round(random() * below * 100) / 100;
  return Array.from({ length: count }, (_, at) => ({
    ts: FIRST_TS + at - Math.floor(random() * DISORDER_MS),
    // A string of its own, as it is in an event that was parsed from a message.
    device: Buffer.from(`device-${Math.floor(random() * keys)}`, 'latin1').toString('latin1'),
    temperature: hundredths(40),
    humidity: hundredths(100),
    status: at & 7,
  }));
}

function randomFrom(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
