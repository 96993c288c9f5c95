import { CorruptLogError, MillraceError } from '../../errors.js';
import type { Manifest } from '../../snapshots/manifest.js';
import { isMissing } from '../../snapshots/manifest.js';
import { Catalog } from '../../streams/catalog.js';
import { toBatch } from '../../streams/ingest.js';
import { logsOf } from '../../streams/start.js';
import type { Commit } from '../../wal/commit.js';
import { CHECKPOINT, type LogFile, type LogFileIdentity, logDirectory } from '../../wal/log-file.js';
import { openParticipant, type ParticipantLog } from '../../wal/open-logs.js';
import { type ExaminedLog, examineLog, nextLsnOf } from '../../wal/recovery.js';
import { replayLog } from '../../wal/replay.js';
import type { LogPlace } from '../../wal/rotation.js';
import { done } from '../log-files.js';
import { counted, numberOf } from '../words.js';
import type { Findings } from './findings.js';

/** The log behind the snapshot, as far as it can be read. */
export interface CheckedLog {
  readonly files: number;
  readonly commits: number;
  readonly events: number;
  readonly lastCommit: number;
  readonly nextLsn: number;
  /** The mill was closed in order, or is new. */
  readonly closed: boolean;
  /** The streams that are known at its end; `null` where not all of it can be read. */
  readonly streams: readonly string[] | null;
  /** Bytes behind the last whole commit that a recovery would cut: they were never promised. */
  readonly torn: number;
}

/** Judges the log as a recovery would, without changing anything. `null` where it cannot be judged. */
export async function checkLog(place: LogPlace, manifest: Manifest, findings: Findings): Promise<CheckedLog | null> {
  const opened: LogFile[] = [];
  try {
    const identities = logsOf(manifest);
    const logs: ParticipantLog[] = [];
    for (const identity of identities) {
      const log = await findings.attempt(() => openedLog(place, identity, opened));
      if (log !== null) logs.push(log);
    }
    noteUnfinished(place.directory, logs, findings);
    if (logs.length < identities.length) return null;
    const examined = await findings.attempt(() => done(examineLog(logs, manifest, place.hash)));
    if (examined === null) return null;
    for (const { scanner } of examined.tails)
      opened.find(({ file }) => file === scanner.source.file)!.end = scanner.position;
    const streams = await findings.attempt(() => checkEvents(place, manifest, logs));
    return { ...checkedLog(examined, opened.length, manifest, findings), streams };
  } finally {
    for (const { file } of opened) await done(file.close());
  }
}

async function openedLog(place: LogPlace, identity: LogFileIdentity, opened: LogFile[]): Promise<ParticipantLog> {
  try {
    return await done(openParticipant(place, identity, opened));
  } catch (error) {
    if (!isMissing(error)) throw error;
    const path = `${place.directory}/${logDirectory(identity.participant)}`;
    const message = `${path} is missing: the log of the mill is in it. Put it back from a backup of this directory.`;
    throw new CorruptLogError(message, { path });
  }
}

function noteUnfinished(directory: string, logs: readonly ParticipantLog[], findings: Findings): void {
  for (const { participant, unfinished } of logs) {
    const path = `${directory}/${logDirectory(participant)}/${CHECKPOINT}`;
    if (unfinished === 'retirement')
      findings.notes.push(`${path} is left from a checkpoint that a crash cut short. The next start removes it.`);
    if (unfinished === 'rotation')
      findings.notes.push(`${path}: a crash cut the renaming of log files short. The next start finishes it.`);
  }
}

/**
 * Every event of the log can be read, with a schema that is known, and lsns rise from where the snapshot ends. Gives the names of the
 * streams that are known at its end.
 */
async function checkEvents(
  { hash, directory }: LogPlace,
  manifest: Manifest,
  logs: readonly ParticipantLog[],
): Promise<readonly string[]> {
  const catalog = new Catalog(manifest.streams);
  let { nextLsn } = manifest;
  const look = (commit: Commit): void => {
    const fault = commit.firstLsn < nextLsn ? `begins with lsn ${commit.firstLsn}, below ${nextLsn}` : null;
    for (const record of commit.records) if (record.kind === 'stream') catalog.passed(record);
    const unread = commit.entries.map((entry) => faultOf(() => toBatch(entry.bytes, commit, catalog)));
    const found = fault ?? unread.find((what) => what !== null) ?? null;
    if (found !== null) {
      const message = `Commit ${commit.number} in the log of ${directory} ${found}. Restore the mill from a backup.`;
      throw new MillraceError('CORRUPT_LOG', message, { path: directory, commit: commit.number });
    }
    nextLsn = commit.firstLsn + commit.events;
  };
  await done(replayLog(logs, manifest, hash, look));
  return catalog.streams.map(({ name }) => name);
}

function faultOf(read: () => unknown): string | null {
  try {
    read();
    return null;
  } catch (error) {
    return `cannot be read: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function checkedLog(
  { found, tails }: ExaminedLog,
  files: number,
  { commit }: Manifest,
  findings: Findings,
): Omit<CheckedLog, 'streams'> {
  let torn = 0;
  for (const { scanner, seen } of tails) {
    if (seen.dirtyFrom === null) continue;
    const bytes = seen.dirtyTo - scanner.position;
    torn += bytes;
    const { path } = scanner.source.file;
    findings.notes.push(
      `${path} has ${numberOf(bytes, 'byte')} at byte ${counted(scanner.position)} that belong to no whole commit and were never promised. The next start cuts them, and keeps a copy.`,
    );
  }
  return {
    files,
    commits: found.commits,
    events: found.events,
    lastCommit: found.commit,
    nextLsn: nextLsnOf(found),
    closed: found.closed || (commit === 0 && found.commits === 0),
    torn,
  };
}
