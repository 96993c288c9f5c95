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

/** How large the next log files are made: by what went into the last ones. */
export class LogSizes {
  private readonly size: LogSize;
  private readonly metadataSize: LogSize;
  private rotatedAt: number;

  constructor(
    { logFileBytes, logFileBytesMax, checkpointBytes }: LogSizeBounds,
    private readonly scheduler: SchedulerLike,
    private readonly interval: () => number,
  ) {
    const bounds = { bytesMax: logFileBytesMax, checkpointBytesMax: checkpointBytes };
    this.size = new LogSize({ ...bounds, bytesMin: logFileBytes });
    this.metadataSize = new LogSize({ ...bounds, bytesMin: Math.min(logFileBytes, METADATA_BYTES_MIN) });
    this.rotatedAt = scheduler.now();
  }

  private of(participant: number): LogSize {
    return participant === METADATA ? this.metadataSize : this.size;
  }

  /** To be told of the files that were in use, at each rotation. */
  rotated(files: readonly LogFile[]): void {
    const now = this.scheduler.now();
    for (const { participant, end } of files)
      this.of(participant).rotated(participant, end - FILE_HEADER_BYTES, now - this.rotatedAt, this.interval());
    this.rotatedAt = now;
  }

  next(participant: number): number {
    return this.of(participant).next(participant, this.interval());
  }
}
