import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { inFreshDirectory } from '../directories.js';

/** Resident memory of a process of its own while 20 million new events go in. */
export function run({ quick, progress }) {
  const total = quick ? 2_000_000 : 20_000_000;
  return inFreshDirectory(
    (directory) =>
      new Promise((resolve, reject) => {
        const curve = [];
        const child = fork(fileURLToPath(new URL('memory-child.js', import.meta.url)), [directory, String(total)], {
          execArgv: [],
        });
        child.on('message', (message) => {
          curve.push(message);
          progress(`${message.events / 1e6} M events, ${Math.round(message.rss / 2 ** 20)} MiB`);
        });
        child.on('error', reject);
        child.on('exit', (code) =>
          code === 0 ? resolve(linesOf(curve)) : reject(new Error(`the child ended: ${code}`)),
        );
      }),
  );
}

function linesOf(curve) {
  const end = curve.pop();
  const rss = curve.map((point) => point.rss);
  const line = (who, value) => ({ what: 'memory', who, unit: 'MB', median: value, min: value, max: value });
  return [
    {
      ...line(`millrace, RSS over ${end.events / 1e6} M events, highest`, end.rssMax / 1e6),
      curve: curve.map(({ events, rss }) => [events / 1e6, Math.round(rss / 1e6)]),
    },
    line('the same, when half of them are in', rss[Math.floor((rss.length - 1) / 2)] / 1e6),
    line('the same, at the end', rss.at(-1) / 1e6),
  ];
}
