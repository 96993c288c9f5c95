import { catchError, concat, defer, type Observable, of, switchMap, throwError } from 'rxjs';
import { releaseMill } from './close.js';
import { createLive, type LiveHooks, type LiveMill, logOpened } from './live.js';
import type { ResolvedOptions } from './options.js';
import type { StreamRegistry } from './registry.js';
import { openMill } from './start.js';

/**
 * Opens a mill and brings it to where it can take events, as its steps: recover the log; say in it that the mill is open, with the
 * streams that it lacks; load the state of derivations and give them the events that only the log has. After an error
 * everything is closed again.
 */
export function openLive(
  directory: string,
  options: ResolvedOptions,
  streams: StreamRegistry,
  hooks: Omit<LiveHooks, 'retentions'>,
): Observable<LiveMill> {
  return openMill(directory, options, streams).pipe(
    switchMap((mill) => {
      const live = createLive(mill, options, { ...hooks, retentions: () => streams.retentions(mill.catalog) });
      return concat(
        defer(() => logOpened(live, streams.all)),
        defer(() => live.derivations.open(live)),
        of(live),
      ).pipe(
        catchError((error) =>
          concat(
            releaseMill(live),
            throwError(() => error),
          ),
        ),
      );
    }),
  );
}
