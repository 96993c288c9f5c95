import { concat, map, type Observable, of, switchMap, throwError, timer } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { MillraceError } from '../../src/errors.js';
import type { CheckpointCause } from '../../src/operators/checkpoint-policy.js';
import type { CheckpointEvent, CheckpointRequest, CheckpointStep } from '../../src/operators/checkpoint-report.js';
import { type CheckpointTriggers, checkpoints } from '../../src/operators/checkpoints.js';

/** `interval 1`, `rotate 3` (ms), `done 6`, `failed 6 disk full`, as marbles know them. */
function brief(event: CheckpointEvent): string {
  const { report } = event;
  if (event.kind === 'started') return `${report.cause} ${report.number}`;
  if (event.kind === 'failed') return `failed ${report.duration} ${(event.error as Error).message}`;
  const last = report.steps.at(-1);
  return event.kind === 'step' ? `${last?.name} ${last?.duration}` : `done ${report.duration}`;
}

/** In virtual time: `run` gets what makes marbles and the schedule whose events are marbles. */
export function inVirtualTime(test: (world: ReturnType<typeof worldOf>) => void): void {
  const scheduler = new TestScheduler((actual, expected) => expect(actual).toEqual(expected));
  scheduler.run((helpers) => test(worldOf(scheduler, helpers)));
}

type Helpers = Parameters<Parameters<TestScheduler['run']>[0]>[0];

function worldOf(scheduler: TestScheduler, helpers: Helpers) {
  const heard: string[] = [];
  const at = (what: string) => heard.push(`${scheduler.now()} ${what}`);
  return {
    ...helpers,
    heard,
    /** Someone who waits, under his name. */
    request: (name: string): CheckpointRequest => ({
      completed: (report) => at(`${name}: ${report.cause} ${report.number}`),
      failed: (error) => at(`${name}: ${error instanceof MillraceError ? error.code : (error as Error).message}`),
    }),
    /** Runs take 5 ms for each step; `outcome` may change one, by its number. */
    schedule: (triggers: Partial<CheckpointTriggers>, outcome: Record<number, Observable<CheckpointStep>> = {}) => {
      let runs = 0;
      const run = () => outcome[++runs] ?? steps(5, 5, 5);
      const all = { unsavedBytes$: helpers.hot('-a', { a: 1 }), unsavedBytesMax: 1_000, ...triggers };
      return checkpoints(all, run, scheduler).pipe(map(brief));
    },
    /** A run whose steps take so many milliseconds. */
    steps,
    broken: (after: number) => timer(after, scheduler).pipe(switchMap(() => throwError(() => new Error('disk full')))),
  };

  function steps(...durations: number[]): Observable<CheckpointStep> {
    const names = ['rotate', 'snapshot', 'retire'] as const;
    return concat(
      ...names.map((name, index) => timer(durations[index]!, scheduler).pipe(map((): CheckpointStep => ({ name })))),
    );
  }
}

export const never = of(Infinity);

/** The marbles of runs of 5 ms a step: `a----r----s----(tz)` is the first, `b----…(tz)` the second, and so on. */
export function runsOf(...causes: CheckpointCause[]): Record<string, string> {
  const starts = causes.map((cause, index) => ['abcd'[index], `${cause} ${index + 1}`]);
  return { ...Object.fromEntries(starts), r: 'rotate 5', s: 'snapshot 5', t: 'retire 5', z: 'done 15' };
}
