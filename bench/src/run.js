import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { resultsDirectory, workDirectory } from './directories.js';

const SCENARIOS = {
  rows: './scenarios/rows.js',
  columns: './scenarios/columns.js',
  appenders: './scenarios/appenders.js',
  single: './scenarios/single-append.js',
  replay: './scenarios/replay.js',
  memory: './scenarios/memory.js',
  checkpoints: './scenarios/checkpoints.js',
  history: './scenarios/history.js',
  windows: './scenarios/windows.js',
  derive: './scenarios/derive.js',
  rederive: './scenarios/rederive.js',
  state: './scenarios/state.js',
  rebuild: './scenarios/rebuild.js',
};

const { only, quick } = parseArgs({
  options: { only: { type: 'string', multiple: true }, quick: { type: 'boolean', default: false } },
}).values;
const names = only ?? Object.keys(SCENARIOS);
const unknown = names.find((name) => !(name in SCENARIOS));
if (unknown !== undefined) stop(`There is no scenario "${unknown}"; there are ${Object.keys(SCENARIOS).join(', ')}.`);
if (!existsSync(new URL('../../dist/index.js', import.meta.url))) {
  stop('millrace is not built: run `npm ci && npm run build` in the folder above.');
}

const { loadContenders } = await import('./peers/index.js');
const { judged } = await import('./ratios.js');
const { print } = await import('./report.js');

const machine = {
  node: process.version,
  cpu: cpus()[0]?.model.trim(),
  cores: cpus().length,
  memoryGb: Math.round(totalmem() / 1e9),
};
console.log(
  `Node ${machine.node}, ${machine.cores} × ${machine.cpu}, ${machine.memoryGb} GB. Files in ${workDirectory}.`,
);
const { loaded, missing } = await loadContenders();
for (const { name, why } of missing) console.log(`NOT MEASURED: ${name} cannot be loaded here: ${why}`);

const settings = { quick, seconds: quick ? 0.3 : 0.8, rounds: quick ? 1 : 5, contenders: loaded };
const lines = [];
const startedAt = new Date();
for (const name of names) {
  const scenario = await import(SCENARIOS[name]);
  lines.push(...(await scenario.run({ ...settings, progress: (text) => progress(`${name}: ${text}`) })));
}
progress('');
rmSync(workDirectory, { recursive: true, force: true });

const seconds = Math.round((Date.now() - startedAt.getTime()) / 1000);
console.log(`\n${quick ? 'Quick run: too short to be quoted. ' : ''}Took ${seconds} s.\n`);
const ratios = judged(lines, names);
print(lines, ratios);
mkdirSync(resultsDirectory, { recursive: true });
const run = { startedAt: startedAt.toISOString(), seconds, quick, machine, missing, lines, ratios };
writeFileSync(join(resultsDirectory, 'latest.json'), `${JSON.stringify(run, null, 2)}\n`);

/** On a terminal one line that is written over. */
function progress(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${text}`);
}

function stop(message) {
  console.error(message);
  process.exit(2);
}
