import { catchError, EMPTY, Observable, of } from 'rxjs';
import type { LogFile } from '../../wal/log-file.js';
import { settleAll } from '../../wal/settle-all.js';

/** The files that the next rotation takes: prepared in the background, or, where that failed, when they are needed. */
export class NextFiles {
  private files: readonly LogFile[] | null = null;
  private isPreparing = false;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly prepare: () => Observable<readonly LogFile[]>) {}

  /** Prepares files, unless there are some or they are on their way. What fails here is tried again when they are taken. */
  prepareSoon(): void {
    if (this.files !== null || this.isPreparing) return;
    this.run().subscribe({ error: () => {} });
  }

  private run(): Observable<readonly LogFile[]> {
    return new Observable((subscriber) => {
      this.isPreparing = true;
      this.prepare().subscribe({
        next: (files) => {
          this.files = files;
        },
        error: (error) => {
          this.settle();
          subscriber.error(error);
        },
        complete: () => {
          this.settle();
          subscriber.next(this.files!);
          subscriber.complete();
        },
      });
    });
  }

  private settle(): void {
    this.isPreparing = false;
    for (const callback of this.waiting.splice(0)) callback();
  }

  /** The files, prepared; still kept here until `taken`. */
  ready(): Observable<readonly LogFile[]> {
    return new Observable((subscriber) => {
      const go = () => (this.files !== null ? of(this.files) : this.run()).subscribe(subscriber);
      if (this.isPreparing) this.waiting.push(go);
      else go();
    });
  }

  /** They are the current files now. */
  taken(): void {
    this.files = null;
  }

  /** Closes what was prepared for nothing, once it is no longer on its way. */
  close(): Observable<never> {
    return new Observable((subscriber) => {
      const go = () => {
        const files = this.files ?? [];
        this.files = null;
        settleAll(files.map(({ file }) => file.close()))
          .pipe(catchError(() => EMPTY))
          .subscribe(subscriber);
      };
      if (this.isPreparing) this.waiting.push(go);
      else go();
    });
  }
}
