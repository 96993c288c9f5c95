import { EMPTY } from 'rxjs';
import { ManifestKeeper } from '../../src/snapshots/manifest-keeper.js';
import { NextFiles } from '../../src/streams/checkpoint/next-files.js';
import { LogSet } from '../../src/wal/log-set.js';
import { LogWriter } from '../../src/wal/writer.js';
import { ForgetsFolders, KeepsOldManifest, RemovesLogsEarly, SyncsNoManifest } from './simulation-checkpoint-lies.js';
import { killThenCut } from './simulation-kill-then-cut.js';
import { type Mutant, patch } from './simulation-mutants.js';
import { ANYTHING, runTrial, type Shape } from './simulation-trial.js';

const honest = (shape: Partial<Shape>) => (seed: number) =>
  runTrial(seed, { ...ANYTHING, faultShare: 0, levels: ['sync', 'flush'], ...shape });

/** Mills whose checkpoints are wrong in a way that a programmer might get them wrong. */
export const CHECKPOINT_MUTANTS: readonly Mutant[] = [
  {
    name: 'deletes the checkpoint file before the manifest is durable',
    trial: honest({ seenBy: (disk) => new RemovesLogsEarly(disk) }),
  },
  { name: 'does not sync the manifest', trial: honest({ ends: ['cut'], seenBy: (disk) => new SyncsNoManifest(disk) }) },
  {
    name: 'releases memory and removes segments before the manifest is durable',
    install: () =>
      patch(ManifestKeeper.prototype, 'update', (update, keeper, change, inForce, discard) => {
        inForce(change(keeper.current));
        return update.call(keeper, change, () => {}, discard);
      }),
    trial: (seed) => runTrial(seed, { ...ANYTHING, faultShare: 0.5 }),
  },
  {
    name: 'rotates without syncing what was written',
    install: () => rotatesUnsynced(),
    trial: honest({ levels: ['flush'], ends: ['cut'] }),
  },
  {
    name: 'skips the sync of the folder of segments',
    trial: honest({
      ends: ['cut'],
      seenBy: (disk) => new ForgetsFolders(disk, (path) => path.endsWith('/segments')),
    }),
  },
  {
    name: 'takes an old manifest for the newest after the log was retired',
    trial: honest({ seenBy: (disk) => new KeepsOldManifest(disk) }),
  },
  {
    name: 'does not sync the names of log files when it starts',
    trial: (seed) =>
      killThenCut(seed, (disk, phase) => {
        const isLog = (path: string) => /\/(vgroup-0\d|metadata)$/.test(path);
        return new ForgetsFolders(disk, (path) => phase() === 'start' && isLog(path));
      }),
  },
  {
    name: 'removes the log, when it starts, before the manifest that allows it is durable',
    trial: (seed) => killThenCut(seed, (disk, phase) => new RemovesLogsEarly(disk, () => phase() === 'start')),
  },
];

/** From the moment when the next files are asked for until commits go on, syncs only say that they were made. */
function rotatesUnsynced(): () => void {
  let isRotating = false;
  const undo = [
    patch(NextFiles.prototype, 'ready', (ready, files) => {
      isRotating = true;
      return ready.call(files);
    }),
    patch(LogWriter.prototype, 'resume', (resume, writer) => {
      isRotating = false;
      resume.call(writer);
    }),
    patch(LogSet.prototype, 'sync', (sync, logs, commit) => {
      if (!isRotating) return sync.call(logs, commit);
      logs.durable = Math.max(logs.durable, commit);
      return EMPTY;
    }),
  ];
  return () => {
    for (const restore of undo) restore();
  };
}
