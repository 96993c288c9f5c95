import { catchError, concat, defer, EMPTY, Observable, throwError } from 'rxjs';
import { describe, type MillraceError } from '../errors.js';
import type { SealedCommit } from './commit.js';
import { notWritten, unknownOutcome } from './failures.js';
import { METADATA } from './format.js';
import type { LogFile } from './log-file.js';
import { settleAll } from './settle-all.js';

/**
 * The log files of a mill: one per VGroup and the metadata log. Writes commits into the current ones and knows which
 * commits are durable. Nothing here decides when; that is the writer's.
 */
export class LogSet {
  private byParticipant = new Map<number, LogFile>();
  private isSyncing = false;
  private readonly syncsWaiting: (() => void)[] = [];
  private syncFailure: MillraceError | null = null;

  constructor(
    /** The current files. */
    public files: readonly LogFile[],
    /** The last commit known to be synced in every participant. */
    public durable: number,
    /** The files before the current ones, while a checkpoint needs them. */
    public checkpointFiles: readonly LogFile[] = [],
  ) {
    this.use(files);
  }

  private use(files: readonly LogFile[]): void {
    this.files = files;
    this.byParticipant = new Map(files.map((file) => [file.participant, file]));
  }

  /** Commits go to these files from now on. Between two commits, when everything written is synced. */
  rotate(next: readonly LogFile[]): void {
    this.checkpointFiles = this.files;
    this.use(next);
  }

  /** The files before the current ones are needed no more: the caller's to close and remove. */
  takeCheckpointFiles(): readonly LogFile[] {
    const files = this.checkpointFiles;
    this.checkpointFiles = [];
    return files;
  }

  file(participant: number): LogFile {
    return this.byParticipant.get(participant)!;
  }

  seedOf = (participant: number): bigint => this.file(participant).header.seed;

  /** The bytes of all frames and headers. */
  get bytes(): number {
    return [...this.files, ...this.checkpointFiles].reduce((sum, file) => sum + file.end, 0);
  }

  get isDirty(): boolean {
    return this.files.some((file) => file.isDirty);
  }

  /** Writes a commit, and syncs where that is wanted; one that goes to no file is written at once. */
  commit(sealed: SealedCommit, wantsSync: boolean): Observable<never> {
    if (sealed.written.length === 0) return EMPTY;
    const written = this.write(sealed);
    return wantsSync
      ? concat(
          written,
          defer(() => this.sync(sealed.seal.number)),
        )
      : written;
  }

  /**
   * Writes a commit's frames. Where that fails, what was written of them is cut out again, durably, and the error is
   * `NOT_WRITTEN`: the commit will never come back. Where even that fails, it may: `OUTCOME_UNKNOWN`.
   */
  write(commit: SealedCommit): Observable<never> {
    return new Observable((subscriber) => {
      const targets = commit.written.map(({ participant, bytes }) => ({ bytes, file: this.file(participant) }));
      settleAll(targets.map(({ file, bytes }) => file.write(bytes))).subscribe({
        error: (cause) => this.cutBack(commit.seal.number, targets, cause).subscribe(subscriber),
        complete: () => {
          for (const { file, bytes } of targets) file.written(bytes.length);
          subscriber.complete();
        },
      });
    });
  }

  private cutBack(commit: number, targets: readonly { file: LogFile }[], cause: unknown): Observable<never> {
    const what = `Writing commit ${commit} failed (${describe(cause)}), and so did cutting it out again`;
    return concat(
      settleAll(targets.map(({ file }) => file.cutBack())).pipe(
        catchError((failure) => throwError(() => unknownOutcome(commit, `${what} (${describe(failure)}).`, failure))),
      ),
      throwError(() => notWritten(commit, cause)),
    );
  }

  /**
   * Makes the log durable up to `commit`: first the VGroups, then the metadata log, because a durable metadata record
   * promises everything before it. One sync runs at a time: a second one waits, as the files of the first are not durable
   * before it ends. An error is `OUTCOME_UNKNOWN`, and then every later sync fails too: it could succeed without the
   * pages that the failed one lost.
   */
  sync(commit: number): Observable<never> {
    return new Observable((subscriber) => {
      const begin = () => {
        this.isSyncing = true;
        this.syncFiles().subscribe({
          error: (cause) => {
            this.syncFailure ??= unknownOutcome(
              commit,
              `A sync of the log failed at commit ${commit} (${describe(cause)}).`,
              cause,
            );
            this.syncEnded();
            subscriber.error(this.syncFailure);
          },
          complete: () => {
            this.durable = Math.max(this.durable, commit);
            this.syncEnded();
            subscriber.complete();
          },
        });
      };
      if (this.isSyncing) this.syncsWaiting.push(begin);
      else begin();
    });
  }

  private syncFiles(): Observable<unknown> {
    if (this.syncFailure) return throwError(() => this.syncFailure);
    const vgroups = syncDirty(this.files.filter((file) => file.participant !== METADATA));
    const metadata = this.file(METADATA);
    return metadata.isDirty
      ? concat(
          vgroups,
          defer(() => metadata.sync()),
        )
      : vgroups;
  }

  private syncEnded(): void {
    this.isSyncing = false;
    this.syncsWaiting.shift()?.();
  }

  close(): Observable<never> {
    return settleAll([...this.files, ...this.checkpointFiles].map((file) => file.file.close()));
  }
}

function syncDirty(files: readonly LogFile[]): Observable<never> {
  return settleAll(files.filter((file) => file.isDirty).map((file) => file.sync()));
}
