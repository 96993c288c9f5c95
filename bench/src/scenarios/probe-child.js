import fs from 'node:fs';

/** Writes 4 KiB and syncs, again and again with a pause, and tells at the end when that took long: [when, milliseconds]. */
const PAUSE_MS = 5;
const SLOW_MS = 20;

const descriptor = fs.openSync(process.argv[2], 'w');
const bytes = Buffer.alloc(4096, 'probe');
fs.writeSync(descriptor, Buffer.alloc(1024 * 1024), 0, 1024 * 1024, 0);
fs.fsyncSync(descriptor);
const slow = [];
let at = 0;
const timer = setInterval(() => {
  const startedAt = performance.now();
  fs.writeSync(descriptor, bytes, 0, bytes.length, at);
  fs.fdatasyncSync(descriptor);
  const elapsed = performance.now() - startedAt;
  if (elapsed > SLOW_MS) slow.push([performance.timeOrigin + startedAt, elapsed]);
  at = (at + bytes.length) % (1024 * 1024);
}, PAUSE_MS);
process.once('message', () => {
  clearInterval(timer);
  process.send(slow, () => process.disconnect());
});
// Whoever asked is gone.
process.once('disconnect', () => process.exit());
process.send('ready');
