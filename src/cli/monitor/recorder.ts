import {
  filter,
  interval,
  map,
  mergeMap,
  type Observable,
  retry,
  Subject,
  share,
  takeUntil,
  tap,
  throwError,
  timer,
} from 'rxjs';
import { MillraceError } from '../../errors.js';
import { inWords } from '../report.js';
import type { Sampler } from './sampler.js';
import type { Sample, SampleStream, StreamName } from './streams.js';

/** After a commit that could not be written, as on a full disk, a stream goes on after this time. */
const RETRY_MS = 1_000;

/** Writes samples into their streams, until it is told to stop or the log takes nothing more. */
export class Recorder {
  /** Events that were dropped because the log was full. */
  dropped = 0;
  /** Why events could not be written just now. */
  trouble: string | null = null;
  private readonly stopped = new Subject<void>();
  private readonly samples: Observable<Sample>;

  constructor(sampler: Sampler, every: number) {
    this.samples = interval(every).pipe(
      map(() => sampler.sample()),
      takeUntil(this.stopped),
      share(),
    );
  }

  /** `failed` hears of what only a restart can mend. */
  record(streams: readonly SampleStream[], failed: (error: unknown) => void): void {
    for (const stream of streams) {
      this.samples
        .pipe(
          mergeMap((sample): readonly object[] => sample[stream.name as StreamName]),
          // A machine cannot be made to wait for the disk: what does not fit is dropped, and counted.
          stream.write({ full: 'dropNew', onDrop: () => this.dropped++ }),
          tap(() => (this.trouble = null)),
          retry({ delay: (error) => this.again(error) }),
          filter(() => false),
        )
        .subscribe({ error: failed });
    }
  }

  stop(): void {
    this.stopped.next();
  }

  private again(error: unknown): Observable<unknown> {
    const isPassing = error instanceof MillraceError && (error.code === 'NOT_WRITTEN' || error.code === 'FULL');
    if (!isPassing) return throwError(() => error);
    this.trouble = inWords(error);
    return timer(RETRY_MS);
  }
}
