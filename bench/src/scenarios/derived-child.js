import { ingest, openDerived, Timeline } from '../derived.js';

/**
 * Ingests events, with or without the pipeline, and tells its parent how long that took. Where nothing is to be saved, the parent kills it
 * then: the next start finds all of them in the log.
 */
const [directory, total, isDerived, isSaved] = process.argv.slice(2);
const NEVER = { checkpointInterval: '1d', checkpointBytes: 2 ** 40, unsavedBytesMax: 2 ** 40 };
const WARM_UP = 200_000;

const timeline = new Timeline();
const options = isSaved === 'saved' ? {} : NEVER;
const { mill, readings } = await openDerived(directory, { isDerived: isDerived === 'derived', ...options });
const warmUp = await ingest(readings, timeline, WARM_UP);
const elapsed = await ingest(readings, timeline, Number(total) - WARM_UP);
if (!Number.isFinite(warmUp)) throw new Error('the warm-up took no time');
if (isSaved === 'saved') await mill.close();
process.send({ rate: (Number(total) - WARM_UP) / (elapsed / 1000) });
if (isSaved === 'saved') process.disconnect();
