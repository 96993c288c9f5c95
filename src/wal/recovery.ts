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
} from 'rxjs';
import type { Storage } from '../storage/storage.js';
import type { Commit } from './commit.js';
import { CommitCursor } from './commit-cursor.js';
import { type CutFile, keepCopies } from './cut.js';
import { FILE_HEADER_BYTES, METADATA } from './format.js';
import { FrameChain } from './frame-chain.js';
import { FrameScanner, type ScannedFile, WINDOW_BYTES } from './frame-scanner.js';
import type { Hash } from './hash.js';
import type { LogFile } from './log-file.js';
import type { ParticipantLog } from './open-logs.js';
import { eachCommit, sourceOf } from './replay.js';
import { steps } from './steps.js';
import { assertNothingPromisedIsLost, surveyTails, type Tail } from './tails.js';

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
  /** Lsns below it may have been given. */
  readonly ceiling: number;
}

/** What a first pass over the log learns, before anything is touched or applied. */
export interface Findings {
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
  logs: readonly ParticipantLog[],
  base: LogBase,
  hash: Hash,
): Observable<LogRecovery> {
  const files = logs.flatMap((log) => log.files);
  return examineLog(logs, base, hash).pipe(
    switchMap(({ found, tails }) => {
      const scanners = tails.map(({ scanner }) => scanner);
      let copies: readonly CutFile[] = [];
      return concat(
        keepCopies(storage, directory, tails.map(toCopy)).pipe(
          tap((kept) => (copies = kept)),
          ignoreElements(),
        ),
        defer(() => writeAgain(found, scanners)),
        defer(() => cutTails(tails)),
        defer(() => syncAll(files)),
        defer(() => {
          for (const scanner of scanners) fileOf(files, scanner.source).end = scanner.position;
          return of(recoveryOf(base, found, tails, copies));
        }),
      );
    }),
  );
}

/** A log as it was found. */
export interface ExaminedLog {
  readonly found: Findings;
  /** Of each file, what lies behind the last whole commit. */
  readonly tails: readonly Tail[];
}

/**
 * Finds the last whole commit, and judges whether what lies behind it may be cut; changes nothing. Errors with
 * `CorruptLogError` where it may not: something that had been durable cannot be read.
 */
export function examineLog(logs: readonly ParticipantLog[], base: LogBase, hash: Hash): Observable<ExaminedLog> {
  return openCursor(logs, base.commit, hash).pipe(
    switchMap((cursor) => {
      const found = nothingYet(base);
      return concat(
        findLastCommit(cursor, found),
        surveyTails(cursor, hash).pipe(
          map((tails): ExaminedLog => {
            found.durable = Math.max(found.durable, ...tails.map(({ seen }) => seen.durable));
            assertNothingPromisedIsLost(found, tails);
            return { found, tails };
          }),
        ),
      );
    }),
  );
}

function nothingYet({ commit, nextLsn, ceiling }: LogBase): Findings {
  return { commit, durable: commit, commits: 0, events: 0, nextLsn, ceiling, closed: false, unproven: [] };
}

type LogCursor = CommitCursor<FrameChain>;

function openCursor(logs: readonly ParticipantLog[], commit: number, hash: Hash): Observable<LogCursor> {
  const scannerOf = (file: LogFile) =>
    file.file.size().pipe(map((size) => new FrameScanner(sourceOf(file), hash, FILE_HEADER_BYTES, size)));
  const chains = logs.map(({ files }) =>
    forkJoin(files.map(scannerOf)).pipe(map((scanners) => new FrameChain(scanners, commit))),
  );
  return forkJoin(chains).pipe(map((opened) => new CommitCursor(opened, commit)));
}

function fileOf(files: readonly LogFile[], { file }: ScannedFile): LogFile {
  return files.find((candidate) => candidate.file === file)!;
}

function findLastCommit(cursor: LogCursor, found: Findings): Observable<never> {
  return eachCommit(cursor, () => {
    const { commit, durable, firstLsn, commitEvents } = cursor.header;
    found.commit = commit;
    found.durable = Math.max(found.durable, durable);
    found.commits++;
    found.nextLsn = Math.max(found.nextLsn, firstLsn + commitEvents);
    found.closed = false;
    for (const { scanner: chain, frame } of cursor.parts) {
      const { source } = chain.scanner;
      found.events += frame.header.events;
      found.unproven.push({ commit, file: source, offset: frame.offset });
      if (source.participant === METADATA) readRecords(cursor.decode(), found);
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

function toCopy({ scanner, seen }: Tail) {
  return {
    file: scanner.source.file,
    participant: scanner.source.participant,
    from: scanner.position,
    to: seen.dirtyTo,
  };
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

/** What the next event gets. After an unclean end any lsn below the ceiling may have been seen. */
export function nextLsnOf({ closed, nextLsn, ceiling }: Pick<Findings, 'closed' | 'nextLsn' | 'ceiling'>): number {
  return closed ? nextLsn : Math.max(nextLsn, ceiling);
}

function recoveryOf(base: LogBase, found: Findings, tails: readonly Tail[], copies: readonly CutFile[]): LogRecovery {
  const bytes = copies.reduce((sum, copy) => sum + copy.bytes, 0);
  const lastTrace = Math.max(found.commit + (copies.length > 0 ? 1 : 0), ...tails.map(({ seen }) => seen.commit));
  const isNew = base.commit === 0 && found.commits === 0;
  const clean = (isNew || found.closed) && copies.length === 0;
  return {
    clean,
    commit: found.commit,
    commits: found.commits,
    events: found.events,
    nextLsn: nextLsnOf(found),
    ceiling: found.ceiling,
    cut: { commits: lastTrace - found.commit, bytes, files: copies },
  };
}
