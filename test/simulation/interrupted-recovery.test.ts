import { interruptRecovery } from '../support/simulation-interrupted.js';
import { simulate } from '../support/simulation-seeds.js';

describe('a crash at every operation of a recovery', () => {
  simulate('changes nothing, nor does one in the recovery after it', (seed) => interruptRecovery(seed), 0.6);
  simulate(
    'changes nothing after a sync had failed',
    (seed) => interruptRecovery(seed, { faults: ['sync'], faultShare: 0.8, levels: ['sync', 'flush'] }),
    0.4,
  );
});
