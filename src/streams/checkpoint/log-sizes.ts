import type { SchedulerLike } from 'rxjs';
import { LogSize } from '../../snapshots/log-size.js';
import { FILE_HEADER_BYTES, METADATA } from '../../wal/format.js';
import type { LogFile } from '../../wal/log-file.js';

/** The metadata log takes little. */
export const METADATA_BYTES_MIN = 64 * 1024;

export interface LogSizeBounds {
  readonly logFileBytes: number;
  readonly logFileBytesMax: number;
  readonly checkpointBytes: number;
}

/**
 * Zeros make a sync cheaper, as it has no length to write; they cost as much as what is written over them. So they are worth it
 * where commits are small, and many syncs share them.
 */
const PREPARED_COMMIT_BYTES_MAX = 256 * 1024;

/** How large the next log files are made: by what went into the last ones. */
export class LogSizes {
  private readonly size: LogSize;
  private readonly metadataSize: LogSize;
  private readonly bytesMin: (participant: number) => number;
  private rotatedAt: number;
  private commitsBefore = 0;
  private areCommitsLarge = false;

  constructor(
    { logFileBytes, logFileBytesMax, checkpointBytes }: LogSizeBounds,
    private readonly scheduler: SchedulerLike,
    private readonly interval: () => number,
  ) {
    const bounds = { bytesMax: logFileBytesMax, checkpointBytesMax: checkpointBytes };
    this.bytesMin = (participant) =>
      participant === METADATA ? Math.min(logFileBytes, METADATA_BYTES_MIN) : logFileBytes;
    this.size = new LogSize({ ...bounds, bytesMin: this.bytesMin(0) });
    this.metadataSize = new LogSize({ ...bounds, bytesMin: this.bytesMin(METADATA) });
    this.rotatedAt = scheduler.now();
  }

  private of(participant: number): LogSize {
    return participant === METADATA ? this.metadataSize : this.size;
  }

  /** To be told of the files that were in use, and how many commits there were in all, at each rotation. */
  rotated(files: readonly LogFile[], commits: number): void {
    const bytes = files.reduce((sum, { end }) => sum + end - FILE_HEADER_BYTES, 0);
    this.areCommitsLarge = bytes > PREPARED_COMMIT_BYTES_MAX * (commits - this.commitsBefore);
    this.commitsBefore = commits;
    const now = this.scheduler.now();
    for (const { participant, end } of files)
      this.of(participant).rotated(participant, end - FILE_HEADER_BYTES, now - this.rotatedAt, this.interval());
    this.rotatedAt = now;
  }

  next(participant: number): number {
    if (this.areCommitsLarge) return this.bytesMin(participant);
    return this.of(participant).next(participant, this.interval());
  }
}
