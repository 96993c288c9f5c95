import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { inFreshDirectory } from '../directories.js';
import { appendToEach, eventOf, openManyKeys } from '../many-keys.js';
import { collectGarbage, now, summary } from '../measure.js';
import { startProbe, unexplained } from '../stalls.js';

const STALL_MS = 50;
const PER_MILLISECOND = 5;
const NEVER = { checkpointInterval: '1d', checkpointBytes: 2 ** 40, unsavedBytesMax: 2 ** 40 };

/**
 * Checkpoints of a pipeline with a million open windows, of which all, a hundredth or none changed since the last one, while events go on coming:
 * what they cost, and whether anybody noticed. Another process writes and syncs a file of its own meanwhile: where it stalls too, the disk did.
 */
export async function run({ quick, rounds, progress }) {
  const keys = quick ? 100_000 : 1_000_000;
  const found = { all: [], some: [], none: [] };
  for (let round = 0; round < rounds; round++) {
    await inFreshDirectory(async (directory) => {
      progress(`round ${round + 1}: ${keys / 1e6} M keys`);
      const mill = await openManyKeys(directory, { isDerived: true, ...NEVER });
      await appendToEach(mill.readings, keys, 0);
      for (const [name, changed] of Object.entries({ all: keys, some: keys / 100, none: 0 })) {
        progress(`round ${round + 1}: ${changed.toLocaleString('en')} keys changed`);
        // What the load changed while the checkpoint before was made.
        await mill.mill.checkpoint();
        await appendToEach(mill.readings, changed, 1 + found[name].length);
        found[name].push(await checkpointed(directory, mill, changed));
      }
      await mill.mill.close();
    });
  }
  const line = (who, unit, values) => ({ what: 'state', who, unit, values, ...summary(values) });
  const changed = { all: 'all', some: '1 % of the', none: 'almost none of the' };
  return Object.entries(found).flatMap(([name, runs]) => {
    const of = (key) => runs.map((one) => one[key]);
    const who = `${changed[name]} ${keys.toLocaleString('en')} keys changed`;
    return [
      line(`${who}: bytes of state written`, 'MB', of('bytes')),
      line(`${who}: checkpoint`, 'ms', of('duration')),
      line(`${who}: slowest append meanwhile`, 'ms', of('slowest')),
      line(`${who}: longest turn of the event loop`, 'ms', of('longest')),
      line(`${who}: stalls over 50 ms that the disk did not have`, '', of('stalls')),
    ];
  });
}

/** Makes a checkpoint while some of the keys that changed change again. */
async function checkpointed(directory, { mill, readings }, changed) {
  const folder = join(directory, 'mill', 'state');
  const before = new Set(existsSync(folder) ? readdirSync(folder) : []);
  const probe = await startProbe(directory);
  collectGarbage();
  const load = new Load(readings, Math.max(1, changed));
  load.start();
  await pause(200);
  load.forget();
  const startedAt = now();
  await mill.checkpoint();
  const duration = now() - startedAt;
  const { stalls, slowest, longest } = await load.stop();
  const slow = await probe.stop();
  const written = readdirSync(folder).filter((name) => !before.has(name));
  return {
    bytes: written.reduce((sum, name) => sum + statSync(join(folder, name)).size, 0) / 1e6,
    duration,
    slowest,
    longest,
    stalls: unexplained(stalls, slow, STALL_MS),
  };
}

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Some appends in each turn of the event loop, at most so many a millisecond, and how long these and the turns take. */
class Load {
  #isStopped = false;
  #pending = new Set();
  #stalls = [];
  #slowest = 0;
  #longest = 0;

  constructor(readings, keys) {
    this.readings = readings;
    this.keys = keys;
  }

  start() {
    let last = now();
    let at = 0;
    const turn = () => {
      const elapsed = now() - last;
      this.#longest = Math.max(this.#longest, elapsed);
      if (elapsed > STALL_MS) this.#stalls.push([performance.timeOrigin + last, elapsed]);
      last = now();
      if (this.#isStopped) return;
      const due = Math.min(100, Math.ceil(elapsed * PER_MILLISECOND));
      for (let next = 0; next < due; next++) this.#append((at = (at + 7_919) % this.keys));
      setTimeout(turn, 1);
    };
    turn();
  }

  forget() {
    this.#stalls.length = 0;
    this.#slowest = this.#longest = 0;
  }

  async stop() {
    this.#isStopped = true;
    await Promise.all(this.#pending);
    return { stalls: this.#stalls, slowest: this.#slowest, longest: this.#longest };
  }

  #append(key) {
    const startedAt = now();
    const appended = this.readings.append(eventOf(key, 1_000)).then(() => {
      this.#pending.delete(appended);
      const elapsed = now() - startedAt;
      this.#slowest = Math.max(this.#slowest, elapsed);
      if (elapsed > STALL_MS) this.#stalls.push([performance.timeOrigin + startedAt, elapsed]);
    });
    this.#pending.add(appended);
  }
}
