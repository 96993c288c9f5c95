import { MillraceError } from '../../errors.js';
import { leftoversIn } from '../../snapshots/leftovers.js';
import { FileStorage } from '../../storage/file-storage.js';
import { ReadOnlyStorage } from '../../storage/read-only-storage.js';
import { type Storage, StorageError, type StorageLock } from '../../storage/storage.js';
import { LOCK } from '../../streams/create.js';
import { type Declare, replayIn } from '../../streams/verify-replay.js';
import { CUT_DIRECTORY } from '../../wal/cut.js';
import { loadHash } from '../../wal/hash.js';
import type { LogPlace } from '../../wal/rotation.js';
import { done, namesIn } from '../log-files.js';
import type { Output } from '../output.js';
import { EXIT, type ExitCode, InputError } from '../report.js';
import { checkDerived } from './check-derived.js';
import { checkLog } from './check-log.js';
import { checkManifest } from './check-manifest.js';
import { checkSegments } from './check-segments.js';
import { checkState } from './check-state.js';
import { declarationIn } from './declaration.js';
import { Findings } from './findings.js';
import { replayFacts } from './replay-words.js';
import { reportInWords, type VerifyReport } from './words.js';

export interface VerifyOptions {
  readonly path: string;
  /** A module with the declarations of the program: what is derived is derived again, and compared. */
  readonly replay?: string;
  readonly json: boolean;
}

const MILL_NAMES = /^(manifest-[ab]\.json|metadata|vgroup-\d\d|segments|state)$/;

/**
 * Reads all of a mill, and checks every checksum, every sum, and that everything fits together. Not one byte is changed. It
 * holds the mill's lock meanwhile, as a mill that is open changes while it is looked at.
 */
export async function verify({ path, replay, json }: VerifyOptions, output: Output): Promise<ExitCode> {
  const disk = new FileStorage();
  const names = await namesIn(disk, path);
  if (names === null || !names.some((name) => MILL_NAMES.test(name)))
    throw new InputError(`${path} is no mill: give the directory of one.`);
  const declare = replay === undefined ? null : await declarationIn(replay);
  const lock = names.includes(LOCK) ? await locked(disk, path) : null;
  try {
    const place = { storage: new ReadOnlyStorage(disk), directory: path, hash: await done(loadHash()) };
    const report = await verifyMill(place, declare);
    if (json) output.say(JSON.stringify({ ...report, replay: report.replay && replayFacts(report.replay) }));
    else for (const line of reportInWords(report)) output.say(line);
    const isWell = report.sound && report.replay?.same !== false;
    return isWell ? EXIT.done : EXIT.failed;
  } finally {
    if (lock !== null) await done(lock.release());
  }
}

/** @throws MillraceError `LOCKED` */
async function locked(disk: Storage, directory: string): Promise<StorageLock | null> {
  const taken = await done(disk.lock(`${directory}/${LOCK}`)).catch((error) => {
    // Nobody writes to a mill on a disk that takes no writes.
    if (error instanceof StorageError && error.code === 'EROFS') return undefined;
    throw error;
  });
  if (taken !== null) return taken ?? null;
  const message = `The mill in ${directory} is open: it changes while it is looked at, so it cannot be verified. Close it there first, or look at it with \`millrace inspect\`.`;
  throw new MillraceError('LOCKED', message, { path: directory });
}

/** Checks a mill that nobody changes meanwhile. */
export async function verifyMill(place: LogPlace, declare: Declare | null = null): Promise<VerifyReport> {
  const startedAt = performance.now();
  const findings = new Findings();
  const checked = await checkManifest(place, findings);
  const manifest = checked?.manifest ?? null;
  const segments = manifest && (await checkSegments(place, manifest, findings));
  const state = manifest && (await checkState(place, manifest, findings));
  const log = manifest && (await checkLog(place, manifest, findings));
  if (checked !== null) checkDerived(checked, log, findings);
  if (manifest !== null)
    for (const path of await done(leftoversIn(place.storage, place.directory, manifest)))
      findings.notes.push(`${path} is left from a crash and belongs to nothing. The next start removes it.`);
  if ((await done(place.storage.list(place.directory))).includes(CUT_DIRECTORY))
    findings.notes.push(
      `${place.directory}/${CUT_DIRECTORY} has copies of what recoveries cut: yours to look at and delete.`,
    );
  const { damages, notes } = findings;
  // Damage would be told once more, as differences.
  const isReplayed = declare !== null && manifest !== null && damages.length === 0;
  const replay = isReplayed ? await replayIn(place, manifest, declare) : null;
  if (declare !== null && !isReplayed) notes.push('Nothing was replayed, as there is damage.');
  return {
    path: place.directory,
    sound: damages.length === 0,
    manifest: checked && aboutManifest(checked),
    segments,
    state,
    log,
    replay,
    damages,
    notes,
    duration: performance.now() - startedAt,
  };
}

function aboutManifest({ manifest, isWhole }: NonNullable<Awaited<ReturnType<typeof checkManifest>>>) {
  const { databaseId, vgroups, sequence, commit, nextLsn, streams } = manifest;
  return { databaseId, vgroups, sequence, commit, nextLsn, streams: streams.map(({ name }) => name), isWhole };
}
