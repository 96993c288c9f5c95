import { pathToFileURL } from 'node:url';

/** Where the built code has it: `npm test` builds first. */
export const COMPUTE_ENTRY = new URL('../../dist/snapshots/compute-worker.js', pathToFileURL(__filename));
