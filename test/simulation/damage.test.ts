import { damageClosedMill } from '../support/simulation-damage.js';
import { simulate } from '../support/simulation-seeds.js';

describe('damage to the files of a mill that was closed', () => {
  simulate('is an error that names the file, or does not matter: never other data', damageClosedMill, 0.5);
});
