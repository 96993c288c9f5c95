import type { SchedulerLike } from 'rxjs';
import { SEGMENTS_DIRECTORY } from '../../../snapshots/leftovers.js';
import type { Manifest } from '../../../snapshots/manifest.js';
import { ManifestKeeper } from '../../../snapshots/manifest-keeper.js';
import { SegmentStore } from '../../../snapshots/segment-store.js';
import { UnsavedEvents } from '../../../snapshots/unsaved.js';
import type { LogPlace } from '../../../wal/rotation.js';
import { Apply } from '../../apply.js';
import { Catalog } from '../../catalog.js';
import type { HistoryContext } from '../../history/stream-history.js';
import { isRebuilt } from '../../live.js';
import type { AnyStream } from '../../registry.js';
import type { DeclaredDerivation, TicksStream } from '../load.js';

/** What was declared in a mill. */
export interface DeclaredStreams {
  readonly all: readonly AnyStream[];
  readonly derivations: readonly DeclaredDerivation[];
  readonly ticks: () => TicksStream;
}

/** The snapshot of a mill, for reading alone, and the pipelines that are declared for it. */
export interface ReplayedMill extends HistoryContext {
  readonly place: LogPlace;
  readonly manifest: ManifestKeeper;
  readonly declared: DeclaredStreams;
}

/**
 * What is derived in segments and files of state follows from what is in segments: the log is not needed.
 *
 * @throws SchemaError `SCHEMA_CHANGED` where a stream is not declared as it was written
 */
export function replayedMill(
  place: LogPlace,
  manifest: Manifest,
  declared: DeclaredStreams,
  scheduler: SchedulerLike,
): ReplayedMill {
  const { storage, directory, hash } = place;
  const catalog = new Catalog(manifest.streams);
  for (const stream of declared.all) {
    const record = catalog.declare(stream.name, stream.columns, isRebuilt(stream, manifest));
    if (record !== null) catalog.remember(record);
  }
  const segments = { storage, folder: `${directory}/${SEGMENTS_DIRECTORY}`, hash };
  const unsaved = new UnsavedEvents();
  return {
    place,
    manifest: new ManifestKeeper(place, manifest),
    declared,
    scheduler,
    catalog,
    unsaved,
    store: new SegmentStore(segments, (id, version) => catalog.layout(id, version), manifest.segments),
    apply: new Apply(catalog, unsaved, manifest),
  };
}
