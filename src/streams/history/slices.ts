import { Observable, type SchedulerLike } from 'rxjs';
import { steps } from '../../wal/steps.js';

/** How long reading goes on without a wait, in milliseconds. */
const SLICE_MS = 20;
const PAUSE_MS = 1;

/** Lets others have their turn while a long reading finds everything in memory: nothing else would make it wait. */
export class Slices {
  private startedAt: number;

  constructor(private readonly scheduler: SchedulerLike) {
    this.startedAt = scheduler.now();
  }

  private begin(): void {
    this.startedAt = this.scheduler.now();
  }

  get isOver(): boolean {
    return this.scheduler.now() - this.startedAt > SLICE_MS;
  }

  /** Completes when others have had their turn. */
  pause(): Observable<never> {
    return new Observable((subscriber) =>
      this.scheduler.schedule(() => {
        this.begin();
        subscriber.complete();
      }, PAUSE_MS),
    );
  }

  /** Runs what `next` gives, one after the other, until it gives `null`. */
  steps(next: () => Observable<unknown> | null): Observable<never> {
    return steps(() => {
      if (this.isOver) return this.pause();
      const step = next();
      return step && this.waitingFor(step);
    });
  }

  /** The same as `source`; where it made the reader wait, the slice begins anew. */
  waitingFor<T>(source: Observable<T>): Observable<T> {
    return new Observable((subscriber) => {
      let isAtOnce = true;
      const subscription = source.subscribe({
        next: (value) => {
          if (!isAtOnce) this.begin();
          subscriber.next(value);
        },
        error: (error) => subscriber.error(error),
        complete: () => subscriber.complete(),
      });
      isAtOnce = false;
      return subscription;
    });
  }
}
