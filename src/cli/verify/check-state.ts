import { STATE_DIRECTORY } from '../../snapshots/leftovers.js';
import { readStateFile } from '../../snapshots/load-state.js';
import { isMissing, type Manifest, type ManifestState } from '../../snapshots/manifest.js';
import { OWN_STATE } from '../../snapshots/manifest-fault.js';
import { StatePages } from '../../snapshots/state-pages.js';
import type { LogPlace } from '../../wal/rotation.js';
import { done, namesIn } from '../log-files.js';
import { codecOf, stateHeaderOf } from '../state-files.js';
import type { Findings } from './findings.js';

/** What was read of the state of derived streams and tables. */
export interface CheckedState {
  /** Derived streams and tables. */
  readonly derived: number;
  readonly states: number;
  readonly files: number;
  readonly bytes: number;
}

/** Reads every byte of every file of state that the manifest names, and sees that there is nothing else. */
export async function checkState(place: LogPlace, manifest: Manifest, findings: Findings): Promise<CheckedState> {
  const { derived = [] } = manifest;
  const states = derived.flatMap(({ states, build }) => [...states, ...(build?.states ?? [])]);
  for (const state of states)
    for (const at of state.files.keys()) await findings.attempt(() => checkFile(place, manifest, state, at));
  await noteForeign(place, findings);
  const files = states.flatMap((state) => state.files);
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  return { derived: derived.length, states: states.length, files: files.length, bytes };
}

/** Each by itself, so that every damage is found. */
async function checkFile(place: LogPlace, { databaseId }: Manifest, state: ManifestState, at: number): Promise<void> {
  const { storage, directory, hash } = place;
  const folder = `${directory}/${STATE_DIRECTORY}`;
  const headerAt = (file: number) => stateHeaderOf(storage, `${folder}/${state.files[file]!.name}`, hash);
  // A delta is of the same codec as its base; where that is damaged, of its own.
  const base = await headerAt(0);
  const pages = new StatePages(codecOf(typeof base === 'string' ? await headerAt(at) : base));
  const context = { hash, databaseId: Buffer.from(databaseId, 'hex') };
  await done(readStateFile(storage, folder, state, at, pages, context));
}

/** What a crash left has a name that millrace gives, and is found with the other leftovers. */
async function noteForeign({ storage, directory }: LogPlace, findings: Findings): Promise<void> {
  const folder = `${directory}/${STATE_DIRECTORY}`;
  const names = await namesIn(storage, folder).catch((error) => {
    if (isMissing(error)) return [];
    throw error;
  });
  for (const name of names ?? [])
    if (!OWN_STATE.test(name))
      findings.notes.push(
        `${folder}/${name} is no file of millrace, and belongs to nothing: yours to look at and delete.`,
      );
}
