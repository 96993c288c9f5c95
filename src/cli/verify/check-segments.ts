import { tap } from 'rxjs';
import { SEGMENTS_DIRECTORY } from '../../snapshots/leftovers.js';
import { LiveSegment } from '../../snapshots/live-segment.js';
import type { Manifest, SegmentEntry } from '../../snapshots/manifest.js';
import { verifySegment } from '../../snapshots/segment-verify.js';
import type { StreamLayout } from '../../wal/event-entry.js';
import type { LogPlace } from '../../wal/rotation.js';
import { done } from '../log-files.js';
import type { Findings } from './findings.js';
import { Progress } from './progress.js';

/** What was read of the segments. */
export interface CheckedSegments {
  readonly count: number;
  readonly rows: number;
  readonly bytes: number;
  readonly blocks: number;
}

/** Reads every byte of every segment that the manifest names, a block at a time. */
export async function checkSegments(place: LogPlace, manifest: Manifest, findings: Findings): Promise<CheckedSegments> {
  const { segments } = manifest;
  const bytes = segments.reduce((sum, { info }) => sum + info.bytes, 0);
  const progress = new Progress(bytes);
  for (const entry of segments) {
    const layout = layoutOf(manifest, entry);
    // One whose columns nobody knows was found when the manifest was looked at.
    if (layout !== null && entry.info.blocks.length > 0)
      await findings.attempt(() => checkSegment(place, entry, layout, findings));
    progress.read(entry.info.bytes);
  }
  progress.stop();
  const blocks = segments.flatMap(({ info }) => info.blocks);
  return {
    count: segments.length,
    rows: blocks.reduce((sum, { rows }) => sum + rows, 0),
    bytes,
    blocks: blocks.length,
  };
}

function layoutOf({ streams }: Manifest, { info }: SegmentEntry): StreamLayout | null {
  const columns = streams.find(({ id }) => id === info.stream)?.versions[info.version - 1];
  return columns === undefined ? null : { id: info.stream, version: info.version, columns };
}

async function checkSegment(
  { storage, directory, hash }: LogPlace,
  entry: SegmentEntry,
  layout: StreamLayout,
  findings: Findings,
): Promise<void> {
  const place = { storage, folder: `${directory}/${SEGMENTS_DIRECTORY}`, hash };
  const segment = new LiveSegment(place, entry, layout, () => {});
  const damages = segment.use((reader) => verifySegment(reader, hash)).pipe(tap((damage) => findings.damage(damage)));
  try {
    await done(damages);
  } finally {
    await done(segment.close());
  }
}
