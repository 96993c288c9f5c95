// Durable readings, and what is derived from them: append, watch live, read history, aggregate it. Run it twice: the second run finds what
// the first one wrote.
// node examples/quick-start.mjs [directory]

import { avg, float64, fold, key, Millrace, string, timestamp, tumbling, windowed } from 'millrace';
import { from } from 'rxjs';

const mill = new Millrace(process.argv[2] ?? './plant');

const readings = mill.stream('readings', {
  schema: { ts: timestamp(), device: key(string()), temperature: float64() },
});

// A derived stream, with a row for each device and minute, and a table, with a row for each device.
const perMinute = mill.stream('per_minute', {
  from: readings.pipe(windowed(tumbling('1m'), { by: 'device', aggregate: { mean: avg('temperature') } })),
});
const peaks = mill.table('peaks', {
  key: 'device',
  from: readings.pipe(
    fold({
      by: 'device',
      init: () => ({ peak: -273 }),
      add: ({ peak }, { temperature }) => ({ peak: Math.max(peak, temperature) }),
    }),
  ),
});

await mill.start();
const before = await readings.count();
console.log(`found ${before} readings`);

readings.subscribe(({ device, temperature }) => console.log(`live: ${device} ${temperature}`));
perMinute.subscribe(({ device, start, mean }) =>
  console.log(`minute ${new Date(start).toISOString()}: ${device} ${mean}`),
);

const { lsn } = await readings.append({ ts: Date.now(), device: 'a7', temperature: 21.5 });
console.log(`durable at lsn ${lsn}`);

const sensor$ = from([22.25, 22.5].map((temperature) => ({ ts: Date.now(), device: 'b2', temperature })));
await sensor$.pipe(readings.write()).forEach((reading) => {
  console.log(`written: ${reading.device}`);
});

let count = 0;
for await (const { lsn: at, event } of readings.records('earliest')) {
  console.log(`history: ${at} ${event.device} ${event.temperature}`);
  if (++count === before + 3) break;
}

const { temperature } = await readings.latest('a7');
console.log(`latest of a7: ${temperature}`);
console.log(`peak of b2: ${peaks.get('b2').peak}`);

// The same operators over history.
const perDay = windowed(tumbling('1d'), { by: 'device', time: 'ts', aggregate: { mean: avg('temperature') } });
await readings
  .history({ where: { device: 'b2' } })
  .pipe(perDay)
  .forEach(({ device, mean }) => {
    console.log(`mean of ${device}: ${mean}`);
  });

await mill.close();
