const MIB = 1024 * 1024;

/** Sizes are whole multiples of this many bytes. */
export const LOG_SIZE_STEP = 64 * 1024;

/** How much of what is new is believed after one whole interval: a rise nearly at once, a fall only slowly. */
const RISE = 0.8;
const FALL = 0.2;
/** A little more than expected: a file that is too small grows while appends wait for the disk, one too large costs zeros. */
const HEADROOM = 1.125;

export interface LogSizeOptions {
  /** No file is prepared smaller. Default 1 MiB. */
  readonly bytesMin?: number;
  /** No file is prepared larger, but for rounding up. Default 64 MiB. */
  readonly bytesMax?: number;
  /**
   * Bytes over all participants at which a checkpoint begins before its interval is over, so that no more goes into the
   * files together. Default 64 MiB.
   */
  readonly checkpointBytesMax?: number;
}

/** What is known of one participant's load. */
interface Load {
  /** Smoothed, bytes a millisecond. */
  rate: number;
  /** Bytes that were noted without any time passing; they count with the next note. */
  carried: number;
}

/**
 * How large the next log file of each participant should be: as much as is expected to be written until the checkpoint after
 * the next rotation. Knows no clock: time is what it is told.
 *
 * The rate of each participant is smoothed exponentially, weighted by time: a file that was in use for a tenth of the interval
 * changes the estimate by about a tenth of what a whole one would. So a burst of requested checkpoints does not mislead it,
 * and a changed interval needs no time to settle.
 *
 * @example
 * const size = new LogSize({ bytesMax: 32 * 1024 * 1024 });
 * size.rotated(0, 5_000_000, 60_000, 60_000);   // 5 MB in the minute that was the interval
 * prepare(size.next(0, 60_000));                // 4,521,984 bytes
 */
export class LogSize {
  readonly #options: Required<LogSizeOptions>;
  readonly #loads = new Map<number, Load>();

  constructor({ bytesMin = MIB, bytesMax = 64 * MIB, checkpointBytesMax = 64 * MIB }: LogSizeOptions = {}) {
    this.#options = { bytesMin, bytesMax, checkpointBytesMax };
  }

  /**
   * To be told at each rotation: `bytes` went into the participant's file in the `elapsed` milliseconds since the rotation
   * before, at a checkpoint interval of `interval` milliseconds.
   */
  rotated(participant: number, bytes: number, elapsed: number, interval: number): void {
    const load = this.#loads.get(participant) ?? { rate: 0, carried: 0 };
    this.#loads.set(participant, load);
    load.carried += bytes;
    if (elapsed <= 0) return;
    const rate = load.carried / elapsed;
    // Without an interval every file counts as a whole one.
    const intervals = interval === Infinity ? 1 : elapsed / interval;
    const weight = 1 - (1 - (rate > load.rate ? RISE : FALL)) ** intervals;
    load.rate += weight * (rate - load.rate);
    load.carried = 0;
  }

  /** The bytes to prepare for the participant's next file. */
  next(participant: number, interval: number): number {
    const { bytesMin, bytesMax, checkpointBytesMax } = this.#options;
    const rate = this.#loads.get(participant)?.rate ?? 0;
    let total = 0;
    for (const load of this.#loads.values()) total += load.rate;
    // A checkpoint begins at the end of the interval, or when all participants together have written that much.
    const time = rate === 0 ? 0 : Math.min(interval, checkpointBytesMax / total);
    const expected = Math.min(Math.max(rate * time * HEADROOM, bytesMin), bytesMax);
    return Math.ceil(expected / LOG_SIZE_STEP) * LOG_SIZE_STEP;
  }
}
