import { EMPTY, NEVER, Observable, of, throwError, timer } from 'rxjs';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { steps } from '../../src/wal/steps.js';

/** Notes what an Observable tells. */
function watch(source: Observable<unknown>): { readonly told: unknown[]; readonly unsubscribe: () => void } {
  const told: unknown[] = [];
  const subscription = source.subscribe({
    next: (value) => told.push(value),
    error: (error) => told.push(error),
    complete: () => told.push('complete'),
  });
  return { told, unsubscribe: () => subscription.unsubscribe() };
}

describe('steps', () => {
  it('runs one step after the other until there is none, and emits nothing but that', () => {
    const ran: number[] = [];
    const next = () => (ran.length === 3 ? null : of(ran.push(ran.length)));
    expect(watch(steps(next)).told).toEqual(['complete']);
    expect(ran).toEqual([0, 1, 2]);
  });

  it('runs a hundred thousand steps that end at once on a flat stack', () => {
    let count = 0;
    expect(watch(steps(() => (count++ < 100_000 ? EMPTY : null))).told).toEqual(['complete']);
    expect(count).toBe(100_001);
  });

  it('waits for a step that takes time, and begins the next one only then', () => {
    const clock = new VirtualClock();
    const begun: number[] = [];
    const { told } = watch(steps(() => (begun.push(clock.now()) > 3 ? null : timer(10, clock))));
    clock.advanceBy(25);
    expect(begun).toEqual([0, 10, 20]);
    expect(told).toEqual([]);
    clock.advanceBy(10);
    expect(told).toEqual(['complete']);
  });

  it('runs steps of both kinds in turn', () => {
    const clock = new VirtualClock();
    let count = 0;
    const { told } = watch(steps(() => (count++ === 9 ? null : count % 2 ? timer(1, clock) : EMPTY)));
    clock.advanceBy(10);
    expect(told).toEqual(['complete']);
  });

  it.each<[string, () => Observable<unknown>]>([
    ['a step fails', () => throwError(() => 'failed')],
    [
      'the next step cannot be made',
      () => {
        throw 'failed';
      },
    ],
  ])('ends with the error when %s', (_, make) => {
    let count = 0;
    expect(watch(steps(() => (count++ === 0 ? EMPTY : make()))).told).toEqual(['failed']);
    expect(count).toBe(2);
  });

  it('stops when its subscriber leaves, and leaves the step that runs', () => {
    let left = 0;
    let count = 0;
    const running = new Observable(() => () => left++);
    const { told, unsubscribe } = watch(steps(() => (count++ === 0 ? EMPTY : running)));
    unsubscribe();
    expect([told, count, left]).toEqual([[], 2, 1]);
  });

  it('takes no further step when its subscriber leaves during one', () => {
    const clock = new VirtualClock();
    let count = 0;
    let leave = () => {};
    const next = () => {
      count++;
      return new Observable((subscriber) => {
        clock.schedule(() => {
          leave();
          subscriber.complete();
        });
      });
    };
    leave = watch(steps(next)).unsubscribe;
    while (clock.step());
    expect(count).toBe(1);
  });

  it('begins anew for each subscriber', () => {
    const begun: string[] = [];
    const source = steps(() => {
      begun.push('step');
      return NEVER;
    });
    watch(source);
    watch(source);
    expect(begun).toEqual(['step', 'step']);
  });
});
