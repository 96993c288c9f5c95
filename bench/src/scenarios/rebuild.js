import { runChild } from '../children.js';
import { inFreshDirectory } from '../directories.js';
import { summary } from '../measure.js';

/**
 * A million open windows: how long a start takes that finds them saved, against building them again from 20 million events of history. Each in a
 * process of its own.
 */
export async function run({ quick, rounds, progress }) {
  const keys = quick ? 100_000 : 1_000_000;
  const perKey = 20;
  const found = [];
  for (let round = 0; round < Math.min(rounds, 3); round++) {
    await inFreshDirectory(async (directory) => {
      const step = (name) => {
        progress(`round ${round + 1}: ${name}`);
        return runChild('rebuild-child.js', [directory, name, keys, perKey]);
      };
      await step('ingest');
      const rebuild = await step('rebuild');
      const restart = await step('restart');
      if (restart.windows !== keys || restart.events !== keys * perKey)
        throw new Error(`there were ${restart.windows} windows of ${restart.events} events`);
      found.push({ rebuild: rebuild.elapsed, restart: restart.elapsed });
    });
  }
  const line = (who, values) => ({ what: 'rebuild', who, unit: 'ms', values, ...summary(values) });
  return [
    line(
      `${(keys * perKey) / 1e6} M events of history into ${keys.toLocaleString('en')} open windows`,
      found.map(({ rebuild }) => rebuild),
    ),
    line(
      'restart with that state',
      found.map(({ restart }) => restart),
    ),
  ];
}
