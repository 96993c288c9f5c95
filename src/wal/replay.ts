import { defer, type Observable } from 'rxjs';
import type { Commit } from './commit.js';
import { CommitCursor, type FrameSource } from './commit-cursor.js';
import { FILE_HEADER_BYTES } from './format.js';
import { FrameChain } from './frame-chain.js';
import { FrameScanner, type ScannedFile } from './frame-scanner.js';
import type { Hash } from './hash.js';
import type { LogFile } from './log-file.js';
import type { ParticipantLog } from './open-logs.js';
import { steps } from './steps.js';

/** Re-emits the commits after `base`, whole and in order. The log was recovered before. */
export function replayLog(
  logs: readonly ParticipantLog[],
  base: { readonly commit: number },
  hash: Hash,
  apply: (commit: Commit) => void,
): Observable<never> {
  return defer(() => {
    const scannerOf = (file: LogFile) => new FrameScanner(sourceOf(file), hash, FILE_HEADER_BYTES, file.end);
    const chains = logs.map(({ files }) => new FrameChain(files.map(scannerOf), base.commit));
    return eachCommit(new CommitCursor(chains, base.commit), (cursor) => apply(cursor.decode()));
  });
}

/** Visits every whole commit that follows; completes at the first that is not. */
export function eachCommit<S extends FrameSource>(
  cursor: CommitCursor<S>,
  visit: (cursor: CommitCursor<S>) => void,
): Observable<never> {
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
