import { asapScheduler, asyncScheduler, type SchedulerLike } from 'rxjs';

/** What waits longer, as for the next checkpoint, does not keep the process from ending. */
const HOLDING_MS_MAX = 500;

/**
 * The clock of a mill that is not given one: wall time when it was made plus the monotonic time since, so that it never
 * jumps. What is scheduled without delay runs after what is running now.
 */
export function systemClock(): SchedulerLike {
  const wallAtStart = Date.now();
  const monotonicAtStart = performance.now();
  return {
    now: () => wallAtStart + (performance.now() - monotonicAtStart),
    schedule(work: never, delay = 0, state?: never) {
      const action = (delay > 0 ? asyncScheduler : asapScheduler).schedule(work, delay, state);
      if (delay > HOLDING_MS_MAX) (action as { readonly id?: NodeJS.Timeout }).id?.unref();
      return action;
    },
  };
}
