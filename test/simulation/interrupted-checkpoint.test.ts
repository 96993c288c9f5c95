import { interruptCheckpoint } from '../support/simulation-checkpoints.js';
import { killThenCut } from '../support/simulation-kill-then-cut.js';
import { IS_SOAK, simulate } from '../support/simulation-seeds.js';

// Of a long checkpoint with many segments all of them would take minutes for one seed.
const crashesMax = IS_SOAK ? 300 : 12;

describe('a crash at every operation of a checkpoint, of retention and of merging', () => {
  simulate(
    'loses and doubles nothing, with one VGroup',
    (seed) => interruptCheckpoint(seed, { crashesMax, vgroups: [1] }),
    0.4,
  );
  simulate(
    'loses and doubles nothing, with four VGroups',
    (seed) => interruptCheckpoint(seed, { crashesMax, vgroups: [4] }),
    0.4,
  );
  simulate('of the process, and a power cut after it, lose nothing', (seed) => killThenCut(seed), 0.2);
});
