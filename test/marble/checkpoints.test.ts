import { of, type SchedulerLike, Subject } from 'rxjs';
import type { CheckpointRequest } from '../../src/operators/checkpoint-report.js';
import { checkpoints } from '../../src/operators/checkpoints.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { inVirtualTime, never, runsOf } from './checkpoints-support.js';

describe('checkpoints by interval', () => {
  it('emits the steps with their durations, each interval from the start of the last one', () => {
    inVirtualTime(({ schedule, expectObservable }) => {
      const marbles = '60s a----r----s----(tz) 59981ms b----r----s----(tz)';
      expectObservable(schedule({}), '130s !').toBe(marbles, runsOf('interval', 'interval'));
    });
  });

  it('takes a changed interval at once, shorter or longer', () => {
    inVirtualTime(({ schedule, hot, expectObservable }) => {
      const interval$ = hot('i 29999ms j 9999ms k', { i: 60_000, j: 10_000, k: 20_000 });
      const marbles = '30s a----r----s----(tz) 19981ms b----r----s----(tz)';
      expectObservable(schedule({ interval$ }), '55s !').toBe(marbles, runsOf('interval', 'interval'));
    });
  });

  it('passes over an interval in which nothing was written', () => {
    inVirtualTime(({ schedule, hot, expectObservable }) => {
      const unsavedBytes$ = hot('70s a', { a: 1 });
      expectObservable(schedule({ unsavedBytes$ }), '130s !').toBe('120s a----r----s----(tz)', runsOf('interval'));
    });
  });

  it('follows at once where the next came due while one ran', () => {
    inVirtualTime(({ schedule, steps, expectObservable }) => {
      const values = {
        ...runsOf('interval', 'interval'),
        u: 'rotate 5',
        v: 'snapshot 15',
        w: 'retire 5',
        x: 'done 25',
      };
      const outcome = { 1: steps(5, 15, 5) };
      const marbles = '20ms a----u 14ms v----(wxb)r----s----(tz)';
      expectObservable(schedule({ interval$: of(20) }, outcome), '62ms !').toBe(marbles, values);
    });
  });

  it('never runs by time without one, nor before a very long one', () => {
    inVirtualTime(({ schedule, expectObservable }) => {
      expectObservable(schedule({ interval$: of(Infinity) }), '144000m !').toBe('-');
    });
    inVirtualTime(({ schedule, expectObservable }) => {
      const days = 40 * 24 * 3600 * 1000;
      expectObservable(schedule({ interval$: of(days) }), '59040m !').toBe(
        '57600m a----r----s----(tz)',
        runsOf('interval'),
      );
    });
  });
});

describe('checkpoints by size', () => {
  it('run as soon as too much is unsaved, and at once again where it still is after the last one', () => {
    inVirtualTime(({ schedule, hot, expectObservable }) => {
      const unsavedBytes$ = hot('-a--b---c--d--e----f', { a: 999, b: 1_000, c: 1_900, d: 2_500, e: 2_000, f: 7 });
      const expected = '----a----r----s----(tz)';
      expectObservable(schedule({ interval$: never, unsavedBytes$ })).toBe(expected, runsOf('size'));
      const kept$ = hot('----b---c--d--e---------f', { b: 1_000, c: 1_900, d: 2_500, e: 1_001, f: 7 });
      const twice = '----a----r----s----(tzb)r----s----(tz)';
      expectObservable(schedule({ interval$: never, unsavedBytes$: kept$ })).toBe(twice, runsOf('size', 'size'));
    });
  });

  it('do not spin after a failure: they wait for growth by half, or for the interval', () => {
    inVirtualTime(({ schedule, hot, broken, expectObservable }) => {
      const unsavedBytes$ = hot('a--b--c', { a: 1_000, b: 1_499, c: 1_500 });
      const outcome = { 1: broken(1), 2: broken(2) };
      const values = { ...runsOf('size', 'size', 'size'), x: 'failed 1 disk full', y: 'failed 2 disk full' };
      const marbles = 'ax----b-y 19997ms c----r----s';
      expectObservable(schedule({ interval$: of(20_000), unsavedBytes$ }, outcome), '20020ms !').toBe(marbles, values);
    });
  });

  it('forget the failure once one went well', () => {
    inVirtualTime(({ schedule, hot, broken, expectObservable }) => {
      const unsavedBytes$ = hot('a---b-----c-------------------d', { a: 1_000, b: 1_500, c: 1, d: 1_000 });
      const values = { ...runsOf('size', 'size', 'size'), x: 'failed 1 disk full' };
      const marbles = 'ax--b----r----s----(tz)-------c----r----s';
      const schedule$ = schedule({ interval$: never, unsavedBytes$ }, { 1: broken(1) });
      expectObservable(schedule$, '44ms !').toBe(marbles, values);
    });
  });

  it('try again after a minute at the latest, also where the interval is longer', () => {
    inVirtualTime(({ schedule, hot, broken, expectObservable }) => {
      const unsavedBytes$ = hot('a', { a: 1_000 });
      const values = { ...runsOf('size', 'size'), x: 'failed 1 disk full' };
      const marbles = 'ax 59998ms b----r----s';
      expectObservable(schedule({ interval$: of(600_000), unsavedBytes$ }, { 1: broken(1) }), '60014ms !').toBe(
        marbles,
        values,
      );
    });
  });
});

describe('checkpoints on request', () => {
  it('begin at once and answer who asked, before and after', () => {
    inVirtualTime(({ schedule, hot, request, heard, flush, expectObservable }) => {
      const requests$ = hot('--j', { j: request('julia') });
      expectObservable(schedule({ interval$: never, requests$ })).toBe('--a----r----s----(tz)', runsOf('request'));
      flush();
      expect(heard).toEqual(['17 julia: request 1']);
    });
  });

  it('that come while one runs wait for the next one, all together', () => {
    inVirtualTime(({ schedule, hot, request, heard, flush, expectObservable }) => {
      const requests$ = hot('j--k------l', { j: request('julia'), k: request('kim'), l: request('lou') });
      const marbles = 'a----r----s----(tzb)r----s----(tz)';
      expectObservable(schedule({ interval$: never, requests$ })).toBe(marbles, runsOf('request', 'request'));
      flush();
      expect(heard).toEqual(['15 julia: request 1', '30 kim: request 2', '30 lou: request 2']);
    });
  });

  it('hear of a failure; the next request tries again', () => {
    inVirtualTime(({ schedule, hot, broken, request, heard, flush, expectObservable }) => {
      const requests$ = hot('j----k', { j: request('julia'), k: request('kim') });
      const values = { ...runsOf('request', 'request'), x: 'failed 2 disk full' };
      const marbles = 'a-x--b----r----s----(tz)';
      expectObservable(schedule({ interval$: never, requests$ }, { 1: broken(2) })).toBe(marbles, values);
      flush();
      expect(heard).toEqual(['2 julia: disk full', '20 kim: request 2']);
    });
  });

  it('are served together with a switch of the level, which names the checkpoint', () => {
    inVirtualTime(({ schedule, hot, request, heard, flush, expectObservable }) => {
      const requests$ = hot('j--k', { j: request('julia'), k: request('kim') });
      const levelSwitches$ = hot('----l', { l: request('level') });
      const marbles = 'a----r----s----(tzb)r----s----(tz)';
      const schedule$ = schedule({ interval$: never, requests$, levelSwitches$ });
      expectObservable(schedule$).toBe(marbles, runsOf('request', 'level'));
      flush();
      expect(heard).toEqual(['15 julia: request 1', '30 kim: level 2', '30 level: level 2']);
    });
  });
});

describe('checkpoints at close', () => {
  it('end with the last one, which also serves who waited before; who comes later is refused', () => {
    inVirtualTime(({ schedule, hot, request, heard, flush, expectObservable }) => {
      const requests$ = hot('j--k------------------l', { j: request('julia'), k: request('kim'), l: request('lou') });
      const close$ = hot('-----c', { c: request('close') });
      const marbles = 'a----r----s----(tzb)r----s----(tz|)';
      expectObservable(schedule({ requests$, close$ })).toBe(marbles, runsOf('request', 'close'));
      flush();
      expect(heard).toEqual(['15 julia: request 1', '30 kim: close 2', '30 close: close 2', '30 lou: CLOSED']);
    });
  });

  it('end also where it fails', () => {
    inVirtualTime(({ schedule, hot, broken, request, heard, flush, expectObservable }) => {
      const close$ = hot('--c', { c: request('close') });
      const values = { ...runsOf('close'), x: 'failed 3 disk full' };
      expectObservable(schedule({ close$ }, { 1: broken(3) })).toBe('--a--(x|)', values);
      flush();
      expect(heard).toEqual(['5 close: disk full']);
    });
  });

  it('stop the run and refuse who waits when the schedule is left', () => {
    inVirtualTime(({ schedule, hot, request, heard, flush, expectObservable }) => {
      const requests$ = hot('j--k', { j: request('julia'), k: request('kim') });
      expectObservable(schedule({ requests$ }), '-------!').toBe('a----r', runsOf('request'));
      flush();
      expect(heard).toEqual(['7 julia: CLOSED', '7 kim: CLOSED']);
    });
  });
});

describe('checkpoints', () => {
  it('go on after a failure by interval, and after a run that throws', () => {
    inVirtualTime(({ schedule, broken, expectObservable }) => {
      const values = { ...runsOf('interval', 'interval'), x: 'failed 4 disk full' };
      const marbles = '20ms a---x 15ms b----r----s----(tz)';
      expectObservable(schedule({ interval$: of(20) }, { 1: broken(4) }), '59ms !').toBe(marbles, values);
    });
    const kinds: string[] = [];
    const clock = new VirtualClock();
    const run = () => {
      throw new Error('no');
    };
    const schedule$ = checkpoints({ unsavedBytes$: of(1), interval$: of(10) }, run, clock);
    const subscription = schedule$.subscribe(({ kind }) => kinds.push(kind));
    clock.advanceTo(25);
    expect(kinds).toEqual(['started', 'failed', 'started', 'failed']);
    subscription.unsubscribe();
    expect(clock.pending).toBe(0);
  });

  it('ask no timer for more than it can, which would fire at once', () => {
    const delays: number[] = [];
    const clock = new VirtualClock();
    const scheduler: SchedulerLike = {
      now: () => clock.now(),
      schedule: (work: never, delay: number, state?: never) => {
        delays.push(delay);
        return clock.schedule(work, delay, state);
      },
    };
    const interval$ = of(2 ** 32);
    const started = jest.fn();
    const schedule$ = checkpoints(
      { unsavedBytes$: of(1), interval$ },
      () => of({ name: 'rotate' as const }),
      scheduler,
    );
    const subscription = schedule$.subscribe(started);
    clock.advanceTo(2 ** 32 - 1);
    expect(started).not.toHaveBeenCalled();
    clock.advanceTo(2 ** 32);
    expect(started).toHaveBeenCalledTimes(3);
    subscription.unsubscribe();
    expect(Math.max(...delays)).toBeLessThan(2 ** 31);
  });

  it('error where a trigger does', () => {
    inVirtualTime(({ schedule, hot, expectObservable }) => {
      const interval$ = hot<number>('--#', {}, new Error('settings'));
      expectObservable(schedule({ interval$ })).toBe('--#', {}, new Error('settings'));
    });
  });

  it('keep the stack flat and the order of events where runs end synchronously and who hears asks again', () => {
    const requests$ = new Subject<CheckpointRequest>();
    const seen: string[] = [];
    let left = 5_000;
    const again: CheckpointRequest = {
      completed: () => {
        if (left-- > 0) requests$.next(again);
      },
      failed: (error) => seen.push(String(error)),
    };
    const triggers = { unsavedBytes$: of(0), requests$ };
    const schedule$ = checkpoints(triggers, () => of({ name: 'rotate' as const }), new VirtualClock());
    schedule$.subscribe(({ kind, report }) => seen.push(`${kind} ${report.number}`));
    requests$.next(again);
    expect(seen).toHaveLength(3 * 5_001);
    expect(seen.slice(0, 4)).toEqual(['started 1', 'step 1', 'completed 1', 'started 2']);
  });
});
