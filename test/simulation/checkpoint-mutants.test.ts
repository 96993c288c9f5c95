import { CHECKPOINT_MUTANTS } from '../support/simulation-checkpoint-mutants.js';
import { seedsUntilCaught } from '../support/simulation-seeds.js';

const SEEDS_MAX = 300;

/** What keeps the tests honest: each of these mills breaks a promise, and the simulation must say so. */
test.each(CHECKPOINT_MUTANTS)(
  'the simulation catches a mill that $name',
  async ({ name, install, trial }) => {
    const restore = install?.();
    try {
      const how = await seedsUntilCaught(trial, SEEDS_MAX);
      if (process.env.MILLRACE_SIMULATION_SECONDS) process.stderr.write(`${name}: caught ${how}\n`);
    } finally {
      restore?.();
    }
  },
  120_000,
);
