import { simulate } from '../support/simulation-seeds.js';
import { ANYTHING, runTrial, type Shape, Trial } from '../support/simulation-trial.js';

const honest = (shape: Partial<Shape>) => (seed: number) => runTrial(seed, { ...ANYTHING, faultShare: 0, ...shape });

describe('an honest disk', () => {
  simulate('at level sync keeps what was acknowledged', honest({ levels: ['sync'] }), 0.3);
  simulate('at level flush keeps a prefix, up to the last sync', honest({ levels: ['flush'] }), 0.2);
  simulate('at level off keeps the streams and never an lsn', honest({ levels: ['off'] }), 0.1);
  simulate('keeps promises over changes of level', honest({ levels: ['sync', 'flush', 'off'] }), 0.2);
  simulate(
    'keeps promises after kill, start, power cut',
    honest({ chain: ['kill', 'cut'], levels: ['sync', 'flush'] }),
    0.2,
  );
});

describe('the simulation', () => {
  simulate(
    'does the same again for the same seed',
    async (seed) => expect(await storyOf(seed)).toBe(await storyOf(seed)),
    0,
  );
});

/** All that happened in a trial, event by event. */
async function storyOf(seed: number): Promise<string> {
  const trial = new Trial(seed, ANYTHING);
  await trial.run();
  return [trial.story, ...trial.world.model.events.map(({ id, place }) => `${id} ${place?.lsn}`)].join('\n');
}
