import type { JobTable } from './compute.js';
import { buildSegment, sumEntries } from './segment-builder.js';
import { sealSegment } from './segments/seal.js';
import { sortBlocks } from './segments/sort-blocks.js';

/** What a worker can do. */
export const JOBS = { buildSegment, sumEntries, sealSegment, sortBlocks } as const satisfies JobTable;
