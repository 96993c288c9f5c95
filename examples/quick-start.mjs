// Durable readings: append, watch live, read history. Run it twice: the second run finds what the first one wrote.
// node examples/quick-start.mjs [directory]

import { float64, key, Millrace, string, timestamp } from 'millrace';
import { from } from 'rxjs';

const mill = new Millrace(process.argv[2] ?? './plant');

const readings = mill.stream('readings', {
  schema: { ts: timestamp(), device: key(string()), temperature: float64() },
});

await mill.start();
console.log(`recovered ${mill.recovery.events} events`);

readings.subscribe(({ device, temperature }) => console.log(`live: ${device} ${temperature}`));

const { lsn } = await readings.append({ ts: Date.now(), device: 'a7', temperature: 21.5 });
console.log(`durable at lsn ${lsn}`);

const sensor$ = from([22.25, 22.5].map((temperature) => ({ ts: Date.now(), device: 'b2', temperature })));
await sensor$.pipe(readings.write()).forEach((reading) => {
  console.log(`written: ${reading.device}`);
});

let count = 0;
for await (const { lsn: at, event } of readings.records('earliest')) {
  console.log(`history: ${at} ${event.device} ${event.temperature}`);
  if (++count === mill.recovery.events + 3) break;
}

await mill.close();
