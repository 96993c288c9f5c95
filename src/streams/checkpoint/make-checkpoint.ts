import { concat, defer, type Observable, of, switchMap } from 'rxjs';
import type { CheckpointStep } from '../../operators/checkpoint-report.js';
import { retireFiles } from '../../wal/rotation.js';
import type { CheckpointedMill } from './checkpointed-mill.js';
import { type Captured, rotate } from './rotate.js';
import { snapshot } from './snapshot.js';

/**
 * A checkpoint, as its steps. Each is told when it has ended.
 *
 * *Rotate*: current.wal becomes checkpoint.wal, next.wal becomes current, in all VGroups and the metadata log between the
 * same two commits; the state is captured there. A crash leaves some participants with new names and others with old ones: the
 * next start reads the one file or both, in the order of their numbers, and finds every commit.
 *
 * *Snapshot*: what was captured becomes segments, then the manifest. A crash before the manifest leaves files that no
 * manifest names, which the next start removes, and the whole log. After it, the log before it is superfluous.
 *
 * *Retire*: the checkpoint files go. A crash leaves some of them: their numbers are lower than the manifest's, and the next
 * start removes them unread.
 */
export function makeCheckpoint(mill: CheckpointedMill): Observable<CheckpointStep> {
  return rotate(mill).pipe(
    switchMap((captured) =>
      concat(
        of<CheckpointStep>({ name: 'rotate', bytes: captured.logBytes }),
        snapshot(mill, captured).pipe(switchMap((bytes) => of<CheckpointStep>({ name: 'snapshot', bytes }))),
        defer(() => retire(mill, captured)),
      ),
    ),
  );
}

function retire({ place, logs }: CheckpointedMill, { logBytes }: Captured): Observable<CheckpointStep> {
  return concat(
    retireFiles(place, logs.takeCheckpointFiles()),
    of<CheckpointStep>({ name: 'retire', bytes: logBytes }),
  );
}
