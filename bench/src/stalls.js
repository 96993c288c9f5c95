import { fork } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A process that writes and syncs a file of its own beside a measurement, and tells at the end when that was slow. */
export async function startProbe(directory) {
  const child = fork(fileURLToPath(new URL('scenarios/probe-child.js', import.meta.url)), [join(directory, 'probe')], {
    execArgv: [],
  });
  await new Promise((resolve) => child.once('message', resolve));
  const stop = () =>
    new Promise((resolve) => {
      child.once('message', resolve);
      child.send('stop');
    });
  return { stop };
}

/** Times, a second apart, at which something stalled, `[when, milliseconds]`, while the syncs of the other process did not. */
export function unexplained(stalls, slow, stallMs) {
  const isExplained = ([at, elapsed]) =>
    slow.some(([from, took]) => from < at + elapsed && from + took > at && took > stallMs / 2);
  const seconds = stalls.filter((stall) => !isExplained(stall)).map(([at]) => Math.floor(at / 1000));
  return new Set(seconds).size;
}
