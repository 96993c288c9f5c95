import { simulate } from '../support/simulation-seeds.js';
import { ANYTHING, runTrial, type Shape } from '../support/simulation-trial.js';

const broken = (shape: Partial<Shape>) => (seed: number) => runTrial(seed, { ...ANYTHING, faultShare: 0.7, ...shape });

describe('a disk that fails', () => {
  simulate('to write: what is rejected never comes back', broken({ faults: ['write'] }), 0.2);
  simulate('for want of room: appends work again once there is some', broken({ faults: ['room'] }), 0.1);
  simulate('to sync: nothing more is acknowledged before a restart', broken({ faults: ['sync'] }), 0.1);
  simulate('in a checkpoint: the next one succeeds', broken({ faults: ['checkpoint'], checkpointShare: 1 }), 0.15);
  simulate(
    'to sync at level flush: what was under way is not said to be unwritten',
    broken({ faults: ['sync'], levels: ['flush'] }),
    0.1,
  );
  simulate(
    'to sync, then a restart, then a power cut: what was recovered stays',
    broken({ faults: ['sync'], chain: ['kill', 'cut'], levels: ['sync', 'flush'] }),
    0.15,
  );
  simulate('anyhow: every promise is kept', broken({}), 0.1);
  simulate(
    'to keep a bit of a closed mill: it refuses to open and touches nothing',
    broken({ faultShare: 0, rotShare: 1 }),
    0.1,
  );
});
