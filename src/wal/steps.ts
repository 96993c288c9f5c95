import { Observable, type Subscription } from 'rxjs';

/**
 * Runs what `next` gives, one after the other, until it gives `null`; then completes. The stack stays flat however
 * many steps there are and whether they end synchronously or not.
 */
export function steps(next: () => Observable<unknown> | null): Observable<never> {
  return new Observable((subscriber) => {
    let running: Subscription | undefined;
    let isPumping = false;
    let isStepDone = true;
    const pump = () => {
      if (isPumping) return;
      isPumping = true;
      try {
        while (isStepDone && !subscriber.closed) {
          const step = next();
          if (step === null) {
            subscriber.complete();
            break;
          }
          isStepDone = false;
          running = step.subscribe({
            error: (error) => subscriber.error(error),
            complete: () => {
              isStepDone = true;
              pump();
            },
          });
        }
      } catch (error) {
        subscriber.error(error);
      }
      isPumping = false;
    };
    pump();
    return () => running?.unsubscribe();
  });
}
