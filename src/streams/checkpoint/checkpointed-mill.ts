import type { Compute } from '../../snapshots/compute.js';
import type { Transport } from '../../snapshots/entry-list.js';
import type { ManifestKeeper } from '../../snapshots/manifest-keeper.js';
import type { SegmentStore } from '../../snapshots/segment-store.js';
import type { UnsavedEvents } from '../../snapshots/unsaved.js';
import type { LogSet } from '../../wal/log-set.js';
import type { LogPlace } from '../../wal/rotation.js';
import type { LogWriter } from '../../wal/writer.js';
import type { Apply } from '../apply.js';
import type { Catalog } from '../catalog.js';
import type { Derivations } from '../derived/derivations.js';
import type { LogSizes } from './log-sizes.js';
import type { NextFiles } from './next-files.js';

/** What a checkpoint needs of a mill. */
export interface CheckpointedMill {
  readonly place: LogPlace;
  readonly writer: LogWriter;
  readonly logs: LogSet;
  readonly apply: Apply;
  readonly catalog: Catalog;
  readonly unsaved: UnsavedEvents;
  readonly derivations: Derivations;
  readonly store: SegmentStore;
  readonly manifest: ManifestKeeper;
  readonly compute: Compute;
  readonly transport: Transport;
  readonly nextFiles: NextFiles;
  readonly logSize: LogSizes;
}
