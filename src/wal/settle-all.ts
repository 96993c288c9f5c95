import { Observable } from 'rxjs';

/**
 * Runs all of them at the same time and ends when every one has ended, so that nothing is still under way afterwards: it
 * completes, or errors with the first failure.
 */
export function settleAll(sources: readonly Observable<unknown>[]): Observable<never> {
  return new Observable((subscriber) => {
    let left = sources.length;
    let failed: { readonly error: unknown } | null = null;
    const settle = () => {
      if (left > 0) return;
      if (failed) subscriber.error(failed.error);
      else subscriber.complete();
    };
    for (const source of sources) {
      source.subscribe({
        error: (error) => {
          failed ??= { error };
          left--;
          settle();
        },
        complete: () => {
          left--;
          settle();
        },
      });
    }
    if (sources.length === 0) settle();
  });
}
