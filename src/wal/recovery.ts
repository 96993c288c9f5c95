import {
  concat,
  defaultIfEmpty,
  defer,
  forkJoin,
  ignoreElements,
  map,
  type Observable,
  of,
  switchMap,
  tap,
  toArray,
} from 'rxjs';
import { CorruptLogError } from '../errors.js';
import type { Storage } from '../storage/storage.js';
import type { Commit } from './commit.js';
import { CommitCursor } from './commit-cursor.js';
import { type CutFile, keepCopies } from './cut.js';
import { FILE_HEADER_BYTES, METADATA } from './format.js';
import { FrameScanner, type ScannedFile, WINDOW_BYTES } from './frame-scanner.js';
import type { Hash } from './hash.js';
import type { LogFile } from './log-file.js';
import { eachCommit, sourceOf } from './replay.js';
import { steps } from './steps.js';
import { type Survey, survey } from './survey.js';

/** What a recovery found and did to the log. */
export interface LogRecovery {
  /** The mill had been closed in order, and nothing was cut. */
  readonly clean: boolean;
  /** The last commit that was kept. */
  readonly commit: number;
  /** Commits and events that were found whole. */
  readonly commits: number;
  readonly events: number;
  readonly nextLsn: number;
  readonly ceiling: number;
  readonly cut: LogCut;
}

/** What was cut: it was written, but never promised. A copy is kept. */
export interface LogCut {
  /** Commits of which a trace was found; at least one where bytes were cut. */
  readonly commits: number;
  readonly bytes: number;
  readonly files: readonly CutFile[];
}

/** Where the log must continue: the manifest's commit and what is known there. */
export interface LogBase {
  readonly commit: number;
  readonly nextLsn: number;
}

/** What a first pass over the log learns, before anything is touched or applied. */
interface Findings {
  commit: number;
  durable: number;
  commits: number;
  events: number;
  nextLsn: number;
  ceiling: number;
  /** Of the last commit: the mill was closed with it. */
  closed: boolean;
  /** Frames above `durable`, oldest first: they may be in the page cache only. */
  unproven: { readonly commit: number; readonly file: ScannedFile; readonly offset: number }[];
}

/**
 * Recovers the log files of a mill, as its steps:
 * find the last whole commit; judge whether what lies behind may be cut; keep a copy of it and cut it; write again what
 * may be in the page cache only; sync. Nothing is applied before that. A crash at any step leaves a log in which the
 * next recovery finds the same last commit: copies are beside the log, the cut takes only what no recovery would keep,
 * and frames are written again over themselves.
 */
export function recoverLog(
  storage: Storage,
  directory: string,
  files: readonly LogFile[],
  base: LogBase,
  hash: Hash,
): Observable<LogRecovery> {
  return openCursor(files, base.commit, hash).pipe(
    switchMap((cursor) => {
      const found = nothingYet(base);
      let tails: readonly Tail[] = [];
      let copies: readonly CutFile[] = [];
      return concat(
        findLastCommit(cursor, found),
        surveyTails(cursor, hash).pipe(
          tap((surveyed) => assertNothingPromisedIsLost(found, (tails = surveyed))),
          ignoreElements(),
        ),
        defer(() => keepCopies(storage, directory, tails.map(toCopy))).pipe(
          tap((kept) => (copies = kept)),
          ignoreElements(),
        ),
        defer(() => writeAgain(found, cursor.scanners)),
        defer(() => cutTails(tails)),
        defer(() => syncAll(files)),
        defer(() => {
          for (const file of files) file.end = endIn(cursor, file);
          return of(recoveryOf(found, tails, copies));
        }),
      );
    }),
  );
}

function nothingYet({ commit, nextLsn }: LogBase): Findings {
  return { commit, durable: commit, commits: 0, events: 0, nextLsn, ceiling: nextLsn, closed: false, unproven: [] };
}

function endIn(cursor: CommitCursor, file: LogFile): number {
  return cursor.scanners.find((scanner) => scanner.source.participant === file.participant)!.position;
}

function openCursor(files: readonly LogFile[], commit: number, hash: Hash): Observable<CommitCursor> {
  const scanners = files.map((file) =>
    file.file.size().pipe(map((size) => new FrameScanner(sourceOf(file), hash, FILE_HEADER_BYTES, size))),
  );
  return forkJoin(scanners).pipe(map((opened) => new CommitCursor(opened, commit)));
}

function findLastCommit(cursor: CommitCursor, found: Findings): Observable<never> {
  return eachCommit(cursor, () => {
    const { commit, durable, firstLsn, commitEvents } = cursor.header;
    found.commit = commit;
    found.durable = Math.max(found.durable, durable);
    found.commits++;
    found.nextLsn = Math.max(found.nextLsn, firstLsn + commitEvents);
    found.closed = false;
    for (const { scanner, frame } of cursor.parts) {
      found.events += frame.header.events;
      found.unproven.push({ commit, file: scanner.source, offset: frame.offset });
      if (scanner.source.participant === METADATA) readRecords(cursor.decode(), found);
    }
    const proven = found.unproven.findIndex((frame) => frame.commit > found.durable);
    if (proven > 0) found.unproven.splice(0, proven);
  });
}

function readRecords(commit: Commit, found: Findings): void {
  for (const record of commit.records) {
    if (record.kind === 'ceiling') found.ceiling = Math.max(found.ceiling, record.ceiling);
    if (record.kind === 'closed') {
      found.closed = true;
      found.nextLsn = record.nextLsn;
    }
  }
}

interface Tail {
  readonly scanner: FrameScanner;
  readonly seen: Survey;
}

function toCopy({ scanner, seen }: Tail) {
  return {
    file: scanner.source.file,
    participant: scanner.source.participant,
    from: scanner.position,
    to: seen.dirtyTo,
  };
}

function surveyTails(cursor: CommitCursor, hash: Hash): Observable<Tail[]> {
  return concat(
    ...cursor.scanners.map((scanner) =>
      defer(() => survey(scanner.source, scanner.position, scanner.limit, hash)).pipe(
        map((seen) => ({ scanner, seen })),
      ),
    ),
  ).pipe(toArray());
}

/** A commit that is missing or unreadable is corruption where anything says that it, or a later one, was durable. */
function assertNothingPromisedIsLost(found: Findings, tails: readonly Tail[]): void {
  for (const { seen } of tails) found.durable = Math.max(found.durable, seen.durable);
  const lost = found.commit + 1;
  if (found.durable < lost) return;
  const culprit = culpritOf(tails, lost);
  const { path } = culprit.scanner.source.file;
  const offset = culprit.scanner.position;
  throw new CorruptLogError(
    `${path} is damaged at byte ${offset}: commit ${lost} cannot be read there, but commits up to ${found.durable} were durable. ` +
      'Nothing was changed. Restore the mill from a backup; to look at what is there, run `millrace inspect` on the file.',
    { path, offset, commit: lost },
  );
}

/**
 * The file to blame for a commit that cannot be read: one that the commit's other frames name. Where none of them can be
 * read, a file that does not go on with a frame: rather one that has something unreadable there than one that just ends.
 */
function culpritOf(tails: readonly Tail[], lost: number): Tail {
  const frameIn = ({ scanner }: Tail) => (scanner.look() === 'frame' ? scanner.current.header : null);
  const named = tails.map((tail) => frameIn(tail)).find((header) => header?.commit === lost)?.participants;
  const lacking = tails.filter(
    (tail) =>
      frameIn(tail)?.commit !== lost &&
      (named === undefined || ((named >> BigInt(tail.scanner.source.participant)) & 1n) === 1n),
  );
  const silent = lacking.filter((tail) => frameIn(tail) === null);
  return silent.find(({ seen }) => seen.dirtyFrom !== null) ?? silent[0] ?? lacking[0] ?? tails[0]!;
}

/** After a kill or a failed sync these frames may be in the page cache only; a sync alone could miss them. */
function writeAgain(found: Findings, scanners: readonly FrameScanner[]): Observable<never> {
  const firstOf = (scanner: FrameScanner) =>
    found.unproven.find(({ commit, file }) => commit > found.durable && file === scanner.source)?.offset ??
    scanner.position;
  return concat(...scanners.map((scanner) => copyOver(scanner, firstOf(scanner))));
}

function copyOver(scanner: FrameScanner, from: number): Observable<never> {
  const { file } = scanner.source;
  let at = from;
  return steps(() => {
    const position = at;
    at = Math.min(scanner.position, at + WINDOW_BYTES);
    return position < at
      ? file.read(position, at - position).pipe(switchMap((bytes) => file.write([bytes], position)))
      : null;
  });
}

function cutTails(tails: readonly Tail[]): Observable<never> {
  const dirty = tails.filter(({ seen }) => seen.dirtyFrom !== null);
  return concat(...dirty.map(({ scanner }) => scanner.source.file.truncate(scanner.position))).pipe(ignoreElements());
}

function syncAll(files: readonly LogFile[]): Observable<never> {
  return forkJoin(files.map((file) => file.sync().pipe(defaultIfEmpty(undefined)))).pipe(ignoreElements());
}

function recoveryOf(found: Findings, tails: readonly Tail[], copies: readonly CutFile[]): LogRecovery {
  const bytes = copies.reduce((sum, copy) => sum + copy.bytes, 0);
  const lastTrace = Math.max(found.commit + (copies.length > 0 ? 1 : 0), ...tails.map(({ seen }) => seen.commit));
  const clean = found.commits === 0 ? copies.length === 0 : found.closed && copies.length === 0;
  return {
    clean,
    commit: found.commit,
    commits: found.commits,
    events: found.events,
    nextLsn: found.closed ? found.nextLsn : Math.max(found.nextLsn, found.ceiling),
    ceiling: found.ceiling,
    cut: { commits: lastTrace - found.commit, bytes, files: copies },
  };
}
