import { interruptCreation, interruptManifest } from '../support/simulation-interrupted.js';
import { simulate } from '../support/simulation-seeds.js';

describe('a crash at every operation', () => {
  simulate('of the creation of a mill leaves one that starts', (seed) => interruptCreation(seed), 0.9);
  simulate('of writing a manifest leaves the old one or the new one', (seed) => interruptManifest(seed), 0.1);
});
