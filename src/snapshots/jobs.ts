import type { JobTable } from './compute.js';
import { buildBlocks, buildSegment, sumEntries } from './segment-builder.js';
import { sealSegment } from './segments/seal.js';
import { sortBlocks } from './segments/sort-blocks.js';

/** What a worker can do. */
export const JOBS = { buildBlocks, buildSegment, sumEntries, sealSegment, sortBlocks } as const satisfies JobTable;
