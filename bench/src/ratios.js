import { summary } from './measure.js';

/** What millrace promises itself against its peers. Each takes the lines of a run and gives what was measured, or `undefined`. */

const isMill = ({ who }) => who.startsWith('millrace');
const rowsOf = (lines, size) =>
  lines.filter((line) => line.what === 'rows' && (size === undefined || line.size === size));
const best = (lines) => (lines.length === 0 ? undefined : Math.max(...lines.map(({ median }) => median)));
const over = (a, b) => (a === undefined || b === undefined ? undefined : a / b);

/**
 * The median of the ratios of two lines whose values were measured in turns: what slows the machine down for a while
 * slows both down.
 */
function inTurns(what, who, other) {
  return (lines) => {
    const [a, b] = [who, other].map((name) => lines.find((line) => line.what === what && line.who.startsWith(name)));
    if (a === undefined || b === undefined) return undefined;
    return summary(a.values.map((value, at) => value / b.values[at])).median;
  };
}

function medianOf(lines, what, who) {
  return lines.find((line) => line.what === what && line.who.startsWith(who))?.median;
}

function median(lines, what, who) {
  const line = lines.find((one) => one.what === what && one.who.startsWith(who));
  return line?.median;
}

/** The median of one line over that of another one of the same scenario. */
const medians = (what, who, other) => (lines) => over(median(lines, what, who), median(lines, what, other));

/** The median of the ratios of a line to the best one of the lines of others, round by round. */
function bestInTurns(what, who, others) {
  return (lines) => {
    const a = lines.find((line) => line.what === what && line.who.startsWith(who));
    const rivals = lines.filter((line) => line.what === what && line.who.startsWith(others));
    if (a === undefined || rivals.length === 0) return undefined;
    return summary(a.values.map((value, at) => value / Math.max(...rivals.map(({ values }) => values[at])))).median;
  };
}

/** The highest of several lines: each has to be low enough. */
const highest = (what, ending) => (lines) => {
  const found = lines.filter((line) => line.what === what && line.who.endsWith(ending));
  return found.length === 0 ? undefined : Math.max(...found.map((line) => line.median));
};

const KEYED = 'one key, one hour';
const SCAN = 'full scan with a sum';
const HALF = 'append at half speed';

function rowsAgainst(peer, size) {
  return (lines) => {
    const rows = rowsOf(lines, size);
    return over(best(rows.filter(isMill)), best(rows.filter(({ who }) => who.startsWith(peer))));
  };
}

const AHEAD = ['lmdb', 'classic-level', 'JSON lines'].flatMap((peer) =>
  [100, 1_000, 10_000].map((size) => ({
    what: `rows in batches of ${size.toLocaleString('en')}: millrace / ${peer}, each at its best`,
    scenario: 'rows',
    atLeast: 1,
    of: rowsAgainst(peer, size),
  })),
);

export const targets = [
  {
    what: 'rows: millrace / better-sqlite3, each at its best batch',
    scenario: 'rows',
    atLeast: 4,
    of: (lines) => {
      const rows = rowsOf(lines);
      return over(best(rows.filter(isMill)), best(rows.filter(({ who }) => who === 'better-sqlite3')));
    },
  },
  ...AHEAD,
  {
    what: 'appendColumns / bare write + fdatasync, bytes',
    scenario: 'columns',
    atLeast: 0.7,
    of: inTurns('columns', 'millrace', 'bare'),
  },
  {
    what: '1,000 appenders / better-sqlite3 one-row transactions',
    scenario: 'appenders',
    atLeast: 40,
    of: inTurns('appenders', 'millrace', 'better-sqlite3'),
  },
  {
    what: 'one append at a time / bare write + fdatasync, p50',
    scenario: 'single',
    atMost: 1.3,
    of: inTurns('single p50', 'millrace', 'bare'),
  },
  {
    what: 'replay with one row subscriber / ingest of the same rows',
    scenario: 'replay',
    atLeast: 1.5,
    of: inTurns('replay', 'millrace, from', 'millrace, ingest'),
  },
  {
    what: 'RSS while the events go in, highest, MB',
    scenario: 'memory',
    atMost: 250,
    of: (lines) => medianOf(lines, 'memory', 'millrace, RSS'),
  },
  ...['1,000 keys', '1 million keys'].map((keys) => ({
    what: `tumbling windows of ${keys} / a loop by hand`,
    scenario: 'windows',
    atLeast: 0.4,
    of: inTurns(`windows, ${keys}`, 'millrace', 'loop'),
  })),
  {
    what: 'tumbling windows of 1,000 keys / RxJS, groupBy + scan',
    scenario: 'windows',
    atLeast: 3,
    of: inTurns('windows, 1,000 keys', 'millrace', 'RxJS'),
  },
  {
    what: 'append at half speed, p99.9: with checkpoints / without',
    scenario: 'checkpoints',
    atMost: 3,
    of: medians(HALF, 'p99.9 with checkpoints', 'p99.9 without'),
  },
  {
    what: 'stalls over 50 ms with checkpoints that the disk did not have',
    scenario: 'checkpoints',
    atMost: 0,
    of: (lines) => median(lines, HALF, 'stalls over'),
  },
  {
    what: 'RSS after 50 M events / after 5 M',
    scenario: 'history',
    atMost: 1.3,
    of: medians('history', 'RSS at the end', 'RSS after'),
  },
  {
    what: 'RSS after 50 M events, MB',
    scenario: 'history',
    atMost: 400,
    of: (lines) => median(lines, 'history', 'RSS at the end'),
  },
  {
    what: 'ingest of the last 5 M events / of the first',
    scenario: 'history',
    atLeast: 0.8,
    of: medians('history', 'ingest, last', 'ingest, first'),
  },
  {
    what: 'one key, one hour of 50 M events: better-sqlite3 / history(), time',
    scenario: 'history',
    atLeast: 1,
    of: medians(KEYED, 'better-sqlite3', 'millrace'),
  },
  {
    what: 'sum over 50 M events: batches() / better-sqlite3',
    scenario: 'history',
    atLeast: 5,
    of: medians(SCAN, 'millrace, batches', 'better-sqlite3'),
  },
  {
    what: 'sum over 50 M events: history(), rows / better-sqlite3',
    scenario: 'history',
    atLeast: 1,
    of: medians(SCAN, 'millrace, history', 'better-sqlite3'),
  },
  {
    what: 'bytes on disk an event: millrace / better-sqlite3 with the index',
    scenario: 'history',
    atMost: 1,
    of: medians('bytes on disk an event', 'millrace', 'better-sqlite3'),
  },
  {
    what: 'windows into a derived stream / the same rows without a pipeline',
    scenario: 'derive',
    atLeast: 0.5,
    of: inTurns('derive', 'millrace, windows', 'millrace, plain'),
  },
  {
    what: 'windows into a derived stream / better-sqlite3 with upserts, at its best',
    scenario: 'derive',
    atLeast: 3,
    of: bestInTurns('derive', 'millrace, windows', 'better-sqlite3'),
  },
  {
    what: 'start() that derives again from the log / ingest with the pipeline',
    scenario: 'rederive',
    atLeast: 1,
    of: inTurns('rederive', 'start()', 'ingest with'),
  },
  {
    what: 'checkpoints of a million keys: stalls over 50 ms that the disk did not have',
    scenario: 'state',
    atMost: 0,
    of: highest('state', 'that the disk did not have'),
  },
  {
    what: 'checkpoint with 1 % of a million keys changed / all, bytes',
    scenario: 'state',
    atMost: 0.02,
    of: (lines) => over(stateOf(lines, '1 %', 'bytes'), stateOf(lines, 'all', 'bytes')),
  },
  {
    what: 'restart with a million keys / building them again from 20 M events, time',
    scenario: 'rebuild',
    atMost: 0.1,
    of: inTurns('rebuild', 'restart', '20 M'),
  },
];

function stateOf(lines, changed, what) {
  return lines.find((line) => line.what === 'state' && line.who.startsWith(changed) && line.who.includes(what))?.median;
}

/** The targets of the scenarios that were run, with what was measured and whether it is met (`null`: a peer is missing). */
export function judged(lines, scenarios) {
  return targets
    .filter(({ scenario }) => scenarios.includes(scenario))
    .map(({ what, atLeast, atMost, of }) => {
      const measured = of(lines) ?? null;
      const isMet = measured === null ? null : atLeast === undefined ? measured <= atMost : measured >= atLeast;
      return { what, target: atLeast === undefined ? `≤ ${atMost}` : `≥ ${atLeast}`, measured, isMet };
    });
}
