import { catchError, concat, defer, EMPTY, Observable, of, throwError } from 'rxjs';
import type { Storage } from '../storage/storage.js';
import type { Hash } from '../wal/hash.js';
import { type Manifest, writeManifest } from './manifest.js';

export interface ManifestPlace {
  readonly storage: Storage;
  readonly directory: string;
  readonly hash: Hash;
}

/** The manifest that is in force. Changes are written one after the other, each on top of the one before. */
export class ManifestKeeper {
  /** Rises with each attempt: one that failed may be on the disk all the same. */
  private sequence: number;
  private isWriting = false;
  private readonly waiting: (() => void)[] = [];
  /** Files that only a manifest names whose writing failed: they must stay until a later one is durable. */
  private doubtful: (() => Observable<never>)[] = [];

  constructor(
    private readonly place: ManifestPlace,
    public current: Manifest,
  ) {
    this.sequence = current.sequence;
  }

  /**
   * Writes what `change` makes of the current manifest; emits it once both copies are durable. It is told at once, before
   * anyone else can act on it, by `inForce`. Errors with what the disk says; then either the old one or the new one counts
   * after a crash, so files that the new one names are removed, by `discard`, only after the next success.
   */
  update(
    change: (current: Manifest) => Manifest,
    inForce: (manifest: Manifest) => void,
    discard: () => Observable<never>,
  ): Observable<Manifest> {
    return concat(
      this.turn(),
      defer(() => {
        const { storage, directory, hash } = this.place;
        const next = { ...change(this.current), sequence: ++this.sequence };
        return concat(
          writeManifest(storage, directory, next, hash),
          defer(() => {
            this.current = next;
            inForce(next);
            return concat(this.discardDoubtful(), of(next));
          }),
        );
      }).pipe(
        catchError((error) => {
          this.doubtful.push(discard);
          this.release();
          return throwError(() => error);
        }),
      ),
      defer(() => {
        this.release();
        return EMPTY;
      }),
    );
  }

  private discardDoubtful(): Observable<never> {
    const discards = this.doubtful.splice(0);
    return concat(...discards.map((discard) => discard().pipe(catchError(() => EMPTY))));
  }

  private turn(): Observable<never> {
    return new Observable((subscriber) => {
      const begin = () => {
        this.isWriting = true;
        subscriber.complete();
      };
      if (this.isWriting) this.waiting.push(begin);
      else begin();
    });
  }

  private release(): void {
    this.isWriting = false;
    this.waiting.shift()?.();
  }
}
