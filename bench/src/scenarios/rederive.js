import { runChild } from '../children.js';
import { inFreshDirectory } from '../directories.js';
import { summary } from '../measure.js';

/**
 * A window pipeline over 1,000 keys sees again what was ingested: from the log, after kill -9 without any checkpoint, and as a new pipeline that
 * processes history. Against the ingest of the same events with the pipeline, and without it. Each in a process of its own.
 */
export async function run({ quick, rounds, progress }) {
  const total = quick ? 1_000_000 : 4_000_000;
  const found = [];
  for (let round = 0; round < rounds; round++) {
    progress(`round ${round + 1}: from the log`);
    const log = await inFreshDirectory(async (directory) => {
      const { rate } = await runChild('derived-child.js', [directory, total, 'derived', 'unsaved'], { isKilled: true });
      return { rate, ...(await runChild('rederive-child.js', [directory])) };
    });
    progress(`round ${round + 1}: from history`);
    const history = await inFreshDirectory(async (directory) => {
      const { rate } = await runChild('derived-child.js', [directory, total, 'plain', 'saved']);
      return { rate, ...(await runChild('rederive-child.js', [directory])) };
    });
    if (log.replayed !== total || log.rows === 0 || log.rows !== history.rows)
      throw new Error(`${log.replayed} of ${total} were replayed, ${log.rows} and ${history.rows} rows derived`);
    found.push({ log, history });
  }
  const line = (who, value) => {
    const values = found.map(value);
    return { what: 'rederive', who, unit: 'events/s', values, ...summary(values) };
  };
  const perSecond = (milliseconds) => total / (milliseconds / 1000);
  return [
    line('ingest with the pipeline, no checkpoint', ({ log }) => log.rate),
    line('ingest without a pipeline', ({ history }) => history.rate),
    line('start() after kill -9, all from the log', ({ log }) => perSecond(log.started)),
    line('a new pipeline over history, until live', ({ history }) => perSecond(history.live)),
  ];
}
