import fc from 'fast-check';
import { asyncScheduler, concatMap, debounceTime, delay, interval, observeOn, of, range, take, timer } from 'rxjs';
import { VirtualClock } from '../../src/testing/virtual-clock.js';

const EPOCH = Date.UTC(2024, 0, 1);

describe('VirtualClock', () => {
  it('stands at the time it was given until it is told to go on', () => {
    const clock = new VirtualClock(EPOCH);
    expect(clock.now()).toBe(EPOCH);
    clock.advanceBy(250);
    expect(clock.now()).toBe(EPOCH + 250);
    clock.advanceTo(EPOCH + 1000);
    expect(clock.now()).toBe(EPOCH + 1000);
  });

  it('never goes backwards', () => {
    const clock = new VirtualClock(EPOCH);
    clock.advanceTo(EPOCH - 1);
    expect(clock.now()).toBe(EPOCH);
  });

  it('steps through actions by time, then by the order in which they were scheduled', () => {
    const clock = new VirtualClock(EPOCH);
    const seen: string[] = [];
    const note = (name: string, at: number) =>
      clock.schedule(() => void seen.push(`${name}@${clock.now() - EPOCH}`), at);
    note('c', 20);
    note('a', 10);
    note('d', 20);
    note('b', 10);
    expect(clock.pending).toBe(4);
    expect(clock.next).toBe(EPOCH + 10);
    expect(clock.step()).toBe(true);
    expect(seen).toEqual(['a@10']);
    while (clock.step());
    expect(seen).toEqual(['a@10', 'b@10', 'c@20', 'd@20']);
    expect(clock.step()).toBe(false);
    expect(clock.next).toBeUndefined();
  });

  it('runs what is due up to a time, that time included, and what this schedules', () => {
    const clock = new VirtualClock();
    const seen: number[] = [];
    clock.schedule(() => {
      seen.push(clock.now());
      clock.schedule(() => void seen.push(clock.now()), 5);
      clock.schedule(() => void seen.push(clock.now()), 6);
    }, 5);
    clock.advanceTo(10);
    expect(seen).toEqual([5, 10]);
    expect(clock.pending).toBe(1);
  });

  it('forgets what was cancelled', () => {
    const clock = new VirtualClock();
    const seen: string[] = [];
    const cancelled = clock.schedule(() => void seen.push('cancelled'), 5);
    cancelled.unsubscribe();
    expect(clock.pending).toBe(0);
    clock.advanceBy(10);
    expect(seen).toEqual([]);
  });

  it('hands an action its state, and moves it when it is scheduled again', () => {
    const clock = new VirtualClock();
    const seen: unknown[] = [];
    clock.schedule<number>(
      function (state = 0) {
        seen.push([clock.now(), state]);
        if (state < 3) {
          this.schedule(-1, 1);
          this.schedule(state + 1, 10);
        }
      },
      10,
      1,
    );
    clock.advanceBy(100);
    expect(seen).toEqual([
      [10, 1],
      [20, 2],
      [30, 3],
    ]);
  });

  it('counts a negative delay as none and never runs an infinite one', () => {
    const clock = new VirtualClock(EPOCH);
    const seen: string[] = [];
    clock.schedule(() => void seen.push('never'), Infinity);
    clock.schedule(() => void seen.push('now'), -5);
    clock.advanceBy(1e9);
    expect(seen).toEqual(['now']);
  });

  it('throws what an action throws, and goes on with the next', () => {
    const clock = new VirtualClock();
    const seen: string[] = [];
    clock.schedule(() => {
      throw new Error('from the action');
    });
    clock.schedule(() => void seen.push('next'));
    expect(() => clock.step()).toThrow('from the action');
    expect(clock.step()).toBe(true);
    expect(seen).toEqual(['next']);
  });

  describe('as the scheduler of RxJS', () => {
    it('drives timer, interval, delay and debounceTime', () => {
      const clock = new VirtualClock(EPOCH);
      const seen: string[] = [];
      const note = (name: string) => (value: number | string) => seen.push(`${clock.now() - EPOCH} ${name} ${value}`);
      timer(25, clock).subscribe(note('timer'));
      timer(new Date(EPOCH + 35), clock).subscribe(note('date'));
      timer(5, 20, clock).pipe(take(2)).subscribe(note('repeated'));
      interval(10, clock).pipe(take(3)).subscribe(note('interval'));
      of('x').pipe(delay(7, clock)).subscribe(note('delay'));
      interval(10, clock).pipe(take(3), debounceTime(15, clock)).subscribe(note('debounced'));
      clock.advanceBy(100);
      expect(seen).toEqual([
        '5 repeated 0',
        '7 delay x',
        '10 interval 0',
        '20 interval 1',
        '25 timer 0',
        '25 repeated 1',
        '30 interval 2',
        '30 debounced 2',
        '35 date 0',
      ]);
      expect(clock.pending).toBe(0);
    });

    it('drives observeOn, one value a step', () => {
      const clock = new VirtualClock();
      const seen: number[] = [];
      range(0, 3)
        .pipe(observeOn(clock))
        .subscribe((value) => seen.push(value));
      expect(seen).toEqual([]);
      clock.step();
      expect(seen).toEqual([0]);
      while (clock.step());
      expect(seen).toEqual([0, 1, 2]);
    });

    it('leaves nothing behind when a subscriber leaves', () => {
      const clock = new VirtualClock();
      const subscription = interval(10, clock)
        .pipe(concatMap(() => timer(1000, clock)))
        .subscribe();
      clock.advanceBy(50);
      subscription.unsubscribe();
      expect(clock.pending).toBe(0);
    });

    it('never touches the clock of the machine', () => {
      const real = jest.spyOn(asyncScheduler, 'schedule');
      const clock = new VirtualClock();
      timer(10, clock).subscribe();
      clock.advanceBy(10);
      expect(real).not.toHaveBeenCalled();
      real.mockRestore();
    });
  });

  it('runs any schedule, with cancellations, in the order of a stable sort', () => {
    const action = fc.record({ delay: fc.nat(20), cancelled: fc.boolean() });
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
        const clock = new VirtualClock();
        const seen: number[] = [];
        const scheduled = actions.map((one, index) => clock.schedule(() => void seen.push(index), one.delay));
        for (const [index, one] of actions.entries()) if (one.cancelled) scheduled[index]!.unsubscribe();
        const expected = actions.map((one, index) => ({ ...one, index })).filter((one) => !one.cancelled);
        expect(clock.pending).toBe(expected.length);
        while (clock.step());
        expect(seen).toEqual(expected.toSorted((a, b) => a.delay - b.delay).map((one) => one.index));
      }),
    );
  });

  it('takes a hundred thousand timers in its stride', () => {
    const clock = new VirtualClock();
    let count = 0;
    for (let index = 0; index < 100_000; index++) clock.schedule(() => count++, (index * 7919) % 5003);
    clock.advanceBy(5003);
    expect(count).toBe(100_000);
  });
});
