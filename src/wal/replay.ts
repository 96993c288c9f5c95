import { defer, type Observable } from 'rxjs';
import type { Commit } from './commit.js';
import { CommitCursor } from './commit-cursor.js';
import { FILE_HEADER_BYTES } from './format.js';
import { FrameScanner, type ScannedFile } from './frame-scanner.js';
import type { Hash } from './hash.js';
import type { LogFile } from './log-file.js';
import type { LogMark } from './log-index.js';
import type { LogSet } from './log-set.js';
import { steps } from './steps.js';

/** Re-emits the commits after `base`, whole and in order, and notes them in the index. The log was recovered before. */
export function replayLog(
  logs: LogSet,
  base: { readonly commit: number; readonly nextLsn: number },
  hash: Hash,
  apply: (commit: Commit) => void,
): Observable<never> {
  return defer(() => {
    const cursor = openCursorAt(logs, { ...base, offsets: logs.files.map(() => FILE_HEADER_BYTES) }, hash);
    return eachCommit(cursor, () => {
      const bytes = cursor.parts.reduce((sum, { frame }) => sum + frame.bytes.length, 0);
      logs.index.note(
        cursor.commit,
        cursor.header.firstLsn,
        () => cursor.scanners.map((scanner) => scanner.position),
        bytes,
      );
      apply(cursor.decode());
    });
  });
}

/** A cursor that reads what is in the log behind a mark. */
export function openCursorAt(logs: LogSet, mark: LogMark, hash: Hash): CommitCursor {
  const scanners = logs.files.map((file, at) => new FrameScanner(sourceOf(file), hash, mark.offsets[at]!, file.end));
  return new CommitCursor(scanners, mark.commit);
}

/** Visits every whole commit that follows; completes at the first that is not. */
export function eachCommit(cursor: CommitCursor, visit: (cursor: CommitCursor) => void): Observable<never> {
  return steps(() => {
    let next = cursor.look();
    for (; next === 'commit'; next = cursor.look()) {
      visit(cursor);
      cursor.advance();
    }
    return next === 'more' ? cursor.fill() : null;
  });
}

export function sourceOf(file: LogFile): ScannedFile {
  return { file: file.file, participant: file.participant, seed: file.header.seed };
}
