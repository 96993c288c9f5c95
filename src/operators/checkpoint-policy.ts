/**
 * Why a checkpoint is made. Where several causes come together, the first of this list names it:
 * the mill closes, its level is switched, someone asked, too much is unsaved, the interval is over.
 */
export type CheckpointCause = 'close' | 'level' | 'request' | 'size' | 'interval';

/** A cause that someone waits for. */
export type AskedCause = Extract<CheckpointCause, 'close' | 'level' | 'request'>;

export const INTERVAL_MS_DEFAULT = 60_000;
export const UNSAVED_BYTES_MAX_DEFAULT = 64 * 1024 * 1024;

/** After a failure, what is too large is tried again after the interval, but at most this many milliseconds later. */
export const RETRY_MS_MAX = 60_000;
/** … or as soon as it has grown by this factor since. */
export const RETRY_GROWTH = 1.5;

/** All that the decision depends on. Times are those of the scheduler, in milliseconds. */
export interface CheckpointState {
  readonly now: number;
  /** `Infinity`: never by time alone. */
  readonly interval: number;
  /** When the last checkpoint began, or the schedule; an interval in which nothing was written moves it on. */
  readonly intervalFrom: number;
  /** What a crash now would have to be replayed for. */
  readonly unsavedBytes: number;
  readonly unsavedBytesMax: number;
  /** The first cause that someone waits for. */
  readonly asked: AskedCause | null;
  /** Where the last checkpoint failed. */
  readonly failure: CheckpointFailure | null;
}

export interface CheckpointFailure {
  /** When it ended. */
  readonly at: number;
  readonly unsavedBytes: number;
}

/**
 * Whether a checkpoint should begin now, and why. Not to be asked while one runs: what comes due meanwhile still is when it
 * has ended.
 *
 * Who asks gets one at once. Where nothing is unsaved there is nothing else to do. After a failure (the disk is full, say)
 * size alone does not try again at once, for it would do so for ever; but it does not wait for a long interval either, as
 * appends may be waiting for the room.
 */
export function isDue(state: CheckpointState): CheckpointCause | null {
  if (state.asked !== null) return state.asked;
  if (state.unsavedBytes === 0) return null;
  if (isTooLarge(state) && (state.now >= retryAt(state) || hasGrown(state))) return 'size';
  return state.now >= intervalEnd(state) ? 'interval' : null;
}

/** When the decision may change by time alone; `Infinity` for never. */
export function nextLook(state: CheckpointState): number {
  const retry = isTooLarge(state) ? retryAt(state) : Infinity;
  return Math.min(retry, intervalEnd(state));
}

/** Whether the interval is over and nothing was written in it: the next one then counts from now. */
export function isPassedOver(state: CheckpointState): boolean {
  return state.unsavedBytes === 0 && state.now >= intervalEnd(state);
}

function isTooLarge({ unsavedBytes, unsavedBytesMax }: CheckpointState): boolean {
  return unsavedBytes >= unsavedBytesMax;
}

function hasGrown({ failure, unsavedBytes }: CheckpointState): boolean {
  return failure !== null && unsavedBytes >= failure.unsavedBytes * RETRY_GROWTH;
}

function retryAt(state: CheckpointState): number {
  return state.failure === null ? -Infinity : after(state, Math.min(state.interval, RETRY_MS_MAX));
}

function intervalEnd(state: CheckpointState): number {
  return after(state, state.interval);
}

/** Counted from the start; but one that failed after longer than that is not followed by the next at once. */
function after({ intervalFrom, failure }: CheckpointState, pause: number): number {
  const end = intervalFrom + pause;
  return failure !== null && end <= failure.at ? failure.at + pause : end;
}
