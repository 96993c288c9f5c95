import { asapScheduler, asyncScheduler, type SchedulerLike } from 'rxjs';

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
      return (delay > 0 ? asyncScheduler : asapScheduler).schedule(work, delay, state);
    },
  };
}
