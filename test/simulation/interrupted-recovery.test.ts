import { interruptRecovery } from '../support/simulation-interrupted.js';
import { simulate } from '../support/simulation-seeds.js';

describe('a crash at every operation of a recovery', () => {
  simulate('changes nothing, nor does one in the recovery after it', (seed) => interruptRecovery(seed), 0.6);
  simulate(
    'changes nothing after a sync had failed',
    // Without retention: a decision whose sync failed may be in the page cache only, and hides rows in one recovery but not in another.
    (seed) =>
      interruptRecovery(seed, { faults: ['sync'], faultShare: 0.8, levels: ['sync', 'flush'], retentionShare: 0 }),
    0.4,
  );
});
