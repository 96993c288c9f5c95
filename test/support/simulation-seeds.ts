import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { lastValueFrom } from 'rxjs';
import { loadHash } from '../../src/wal/hash.js';

/** One try with everything drawn from a seed. Rejects where a promise was broken. */
export type TrialOfSeed = (seed: number) => Promise<void>;

/** Seconds for each test file; each of its simulations gets its share. 0: the one seed of `MILLRACE_SEED`, and nothing else. */
const SECONDS = Number(process.env.MILLRACE_SIMULATION_SECONDS ?? 6);
const isReplay = SECONDS === 0;
/** A long run: what is otherwise sampled is then tried as a whole. */
export const IS_SOAK = SECONDS >= 30 || isReplay;

/** Seeds that once failed, by the name of their simulation. They run first, always. */
const PAST_FAILURES: Readonly<Record<string, readonly number[]>> = JSON.parse(
  readFileSync(join(__dirname, '../simulation/past-failures.json'), 'utf8'),
);

/** Other seeds with every commit, the same ones for the same commit; outside a repository, with every day. */
function firstSeed(): number {
  if (process.env.MILLRACE_SEED !== undefined) return Number(process.env.MILLRACE_SEED);
  try {
    const head = execFileSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return Number.parseInt(head.slice(0, 8), 16);
  } catch {
    return Math.floor(Date.now() / 86_400_000) * 100_000;
  }
}

/** Tests a promise on one seed after the other, as many as its share of the time allows. */
export function simulate(name: string, trial: TrialOfSeed, share = 1): void {
  const milliseconds = SECONDS * share * 1000;
  const past = isReplay ? [] : (PAST_FAILURES[name] ?? []);
  test(
    name,
    async () => {
      await lastValueFrom(loadHash());
      const end = Date.now() + milliseconds;
      for (const seed of past) await run(name, trial, seed);
      const first = firstSeed();
      let seed = first;
      do await run(name, trial, seed++);
      while (Date.now() < end);
      if (process.env.MILLRACE_SIMULATION_SECONDS)
        process.stderr.write(`${name}: ${seed - first} seeds from ${first}, ${past.length} past failures\n`);
    },
    milliseconds + 90_000,
  );
}

/** Tests that a part that is wrong is found out on one of the first seeds. */
export async function seedsUntilCaught(trial: TrialOfSeed, seedsMax: number): Promise<string> {
  await lastValueFrom(loadHash());
  for (let seed = 1; seed <= seedsMax; seed++) {
    try {
      await trial(seed);
    } catch (error) {
      return `on seed ${seed}: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`;
    }
    await macrotask();
  }
  throw new Error(`not caught on ${seedsMax} seeds`);
}

async function run(name: string, trial: TrialOfSeed, seed: number): Promise<void> {
  try {
    await trial(seed);
  } catch (error) {
    if (error instanceof Error)
      error.message += `\n\nTo replay exactly this:\n  ${replay(name, seed)}\nThen put the seed into test/simulation/past-failures.json.\n`;
    throw error;
  }
  await macrotask();
}

function replay(name: string, seed: number): string {
  return `MILLRACE_SEED=${seed} MILLRACE_SIMULATION_SECONDS=0 npx jest test/simulation -t '${name}'`;
}

/** Trials never leave the microtasks; timers and the test runner get their turn between them. */
function macrotask(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
