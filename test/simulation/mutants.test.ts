import { map } from 'rxjs';
import type { survey } from '../../src/wal/survey.js';
import { MUTANTS } from '../support/simulation-mutants.js';
import { seedsUntilCaught } from '../support/simulation-seeds.js';
import { ANYTHING, runTrial } from '../support/simulation-trial.js';

/** Whether the survey of what lies behind the last good frame forgets what that was vouched for. */
let isForgetful = false;

jest.mock('../../src/wal/survey.js', () => {
  const right = jest.requireActual<{ survey: typeof survey }>('../../src/wal/survey.js');
  return {
    ...right,
    survey: (...values: Parameters<typeof survey>) =>
      right.survey(...values).pipe(map((seen) => (isForgetful ? { ...seen, durable: 0 } : seen))),
  };
});

const SEEDS_MAX = 1_000;

test('a mill that is right passes on the seeds that catch most of the wrong ones', async () => {
  await expect(seedsUntilCaught((seed) => runTrial(seed), 50)).rejects.toThrow('not caught');
}, 120_000);

/** What keeps the tests honest: each of these mills breaks a promise, and the simulation must say so. */
describe('the simulation catches a mill that', () => {
  test.each(MUTANTS)(
    '$name',
    async ({ name, install, trial }) => {
      const restore = install?.();
      try {
        report(name, await seedsUntilCaught(trial, SEEDS_MAX));
      } finally {
        restore?.();
      }
    },
    120_000,
  );

  test('treats damage to what was durable as a torn end', async () => {
    isForgetful = true;
    try {
      report(
        'damage',
        await seedsUntilCaught((seed) => runTrial(seed, { ...ANYTHING, worksShare: 0.1, rotShare: 1 }), SEEDS_MAX),
      );
    } finally {
      isForgetful = false;
    }
  }, 120_000);
});

function report(name: string, how: string): void {
  if (process.env.MILLRACE_SIMULATION_SECONDS) process.stderr.write(`${name}: caught ${how}\n`);
}
