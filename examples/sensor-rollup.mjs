// A mean for each sensor and minute that is right in the end, though readings come late: a row that was told already is corrected, and
// what is too late even for that is put aside, where it can be looked at. Run it twice: the second run goes on with the next hour.
// node examples/sensor-rollup.mjs [directory]

import { avg, float64, key, Millrace, string, timestamp, tumbling, windowed } from 'millrace';

const mill = new Millrace(process.argv[2] ?? './sensors');

const readings = mill.stream('readings', {
  schema: { ts: timestamp(), sensor: key(string()), celsius: float64() },
});

// A minute is complete when readings are there that are 10 s past its end. For 10 minutes more, late readings correct it.
const perMinute = mill.stream('per_minute', {
  from: readings.pipe(
    windowed(tumbling('1m'), {
      by: 'sensor',
      lateness: '10s',
      late: { correct: '10m', side: true },
      aggregate: { mean: avg('celsius') },
    }),
  ),
});

// The newest row of each sensor and minute: corrected ones replace those before.
const minutes = mill.table('minutes', { key: ['sensor', 'start'], from: perMinute });

await mill.start();

const MINUTE = 60_000;
const clock = (time) => new Date(time).toISOString().slice(11, 16);
const inWords = ({ sensor, start, count, mean }) =>
  `${sensor} ${clock(start)}  ${mean.toFixed(2)} °C  (readings: ${count})`;

perMinute.subscribe((row) =>
  console.log(row.revision === 0 ? `minute     ${inWords(row)}` : `corrected  ${inWords(row)}`),
);
perMinute.late.subscribe(({ event }) =>
  console.log(`too late   ${event.sensor} ${clock(event.ts)}  ${event.celsius} °C`),
);

/** Readings in the order in which they arrive: sensor, minute and second of the hour, temperature. */
const arrivals = [
  ['kitchen', 0, 10, 20.5],
  ['cellar', 0, 20, 11.0],
  ['kitchen', 0, 40, 21.0],
  ['cellar', 0, 35, 11.5], // out of order, but in time
  ['kitchen', 1, 15, 21.5], // more than 10 s past the first minute: it is complete
  ['cellar', 0, 50, 12.5], // its radio was off for a while: the first minute is corrected
  ['kitchen', 2, 30, 22.0],
  ['kitchen', 14, 0, 22.5],
  ['cellar', 0, 55, 12.5], // 13 minutes late
];
const hours = (await readings.count()) / arrivals.length;
const hour = Date.UTC(2026, 0, 1, 8 + hours);
console.log(
  `${await readings.count()} readings and ${minutes.size} minutes are there; now come those from ${clock(hour)} on`,
);

for (const [sensor, minute, second, celsius] of arrivals)
  await readings.append({ ts: hour + minute * MINUTE + second * 1_000, sensor, celsius });

console.log('what is known now:');
for (const [, row] of minutes.entries()) if (row.start >= hour) console.log(`           ${inWords(row)}`);

await mill.close();
