import {
  catchError,
  concat,
  defer,
  EMPTY,
  finalize,
  ignoreElements,
  map,
  NEVER,
  type Observable,
  of,
  ReplaySubject,
  share,
  switchMap,
  takeUntil,
  throwError,
} from 'rxjs';
import { MillraceError } from '../errors.js';
import type { Storage } from '../storage/storage.js';
import type { StreamLayout } from '../wal/event-entry.js';
import type { Hash } from '../wal/hash.js';
import { isMissing, type SegmentEntry } from './manifest.js';
import type { RowPosition } from './row-position.js';
import { endOf, startOf } from './segment-format.js';
import { SegmentReader } from './segment-reader.js';

/** Where segments are, and how they are read. */
export interface SegmentPlace {
  readonly storage: Storage;
  /** The mill's folder of segments. */
  readonly folder: string;
  readonly hash: Hash;
}

/** The name of a segment's file. */
export function segmentName(number: number): string {
  return `${String(number).padStart(8, '0')}.arrow`;
}

/**
 * A segment that the manifest names, or named a moment ago: its file is opened when someone reads it, and removed when
 * nobody reads it any more and the manifest no longer names it.
 */
export class LiveSegment {
  readonly path: string;
  /** Bounds over all blocks. */
  readonly firstLsn: number;
  readonly lastLsn: number;
  readonly start: RowPosition;
  readonly end: RowPosition;
  readonly minTime: number;
  readonly maxTime: number;
  readonly rows: number;
  private users = 0;
  private reader: SegmentReader | null = null;
  private isOpening = false;
  private isRetired = false;
  /** One opening for all who come meanwhile. */
  private readonly opening: Observable<SegmentReader>;

  constructor(
    private readonly place: SegmentPlace,
    readonly entry: SegmentEntry,
    readonly layout: StreamLayout,
    /** Hears when nobody uses it any more. */
    private readonly unused: (segment: LiveSegment) => void,
    /** Errors when the mill closes: reading ends with it. */
    private readonly closing: Observable<never> = NEVER,
  ) {
    const { blocks } = entry.info;
    this.path = `${place.folder}/${segmentName(entry.number)}`;
    this.firstLsn = blocks[0]!.firstLsn;
    this.lastLsn = blocks.at(-1)!.lastLsn;
    this.start = startOf(blocks[0]!);
    this.end = endOf(blocks.at(-1)!);
    this.minTime = blocks.reduce((low, { minTime }) => Math.min(low, minTime), Infinity);
    this.maxTime = blocks.reduce((high, { maxTime }) => Math.max(high, maxTime), -Infinity);
    this.rows = blocks.reduce((sum, { rows }) => sum + rows, 0);
    this.opening = defer(() => this.open()).pipe(
      share({
        connector: () => new ReplaySubject(1),
        resetOnComplete: true,
        resetOnError: true,
        resetOnRefCountZero: false,
      }),
    );
  }

  get isOpen(): boolean {
    return this.reader !== null;
  }

  get isUsed(): boolean {
    return this.users > 0;
  }

  /** Whether the file may go. */
  get isOver(): boolean {
    return this.isRetired && !this.isUsed;
  }

  /** Keeps the file until the returned function is called. */
  lease(): () => void {
    this.users++;
    return () => {
      this.users--;
      if (this.users === 0) this.unused(this);
    };
  }

  /** Reads in it. The file stays as long as that runs. */
  use<T>(read: (reader: SegmentReader) => Observable<T>): Observable<T> {
    return defer(() => {
      const release = this.lease();
      return (this.reader ? of(this.reader) : this.opening).pipe(
        switchMap(read),
        takeUntil(this.closing),
        finalize(release),
      );
    });
  }

  /** The manifest no longer names it. */
  retire(): void {
    this.isRetired = true;
    if (this.users === 0) this.unused(this);
  }

  private open(): Observable<SegmentReader> {
    const { storage, hash } = this.place;
    this.isOpening = true;
    return storage.open(this.path, { readOnly: true }).pipe(
      // Not in a finalize: whoever hears of the end may ask again before that runs, and would open the file twice.
      catchError((error) => {
        this.isOpening = false;
        return throwError(() => (isMissing(error) ? this.damaged('is missing', 0) : error));
      }),
      map((file) => {
        this.isOpening = false;
        const reader = new SegmentReader(file, this.entry.info, this.layout, hash);
        this.reader = reader;
        // Whoever asked for it may have left meanwhile.
        if (this.users === 0) this.unused(this);
        return reader;
      }),
    );
  }

  /** An opening goes on when those who asked for it have left. */
  private opened(): Observable<never> {
    return this.isOpening
      ? this.opening.pipe(
          ignoreElements(),
          catchError(() => EMPTY),
        )
      : EMPTY;
  }

  /** Errors with `CORRUPT_SEGMENT` where the file is missing or has another length than was written. */
  check(): Observable<never> {
    const { bytes } = this.entry.info;
    return this.use(({ file }) => file.size()).pipe(
      map((size) => {
        if (size !== bytes) throw this.damaged(`has ${size} bytes in place of ${bytes}`, Math.min(size, bytes));
      }),
      ignoreElements(),
    );
  }

  private damaged(what: string, offset: number): MillraceError {
    const message = `${this.path} ${what}; the manifest names it. Nothing was changed. Put the file back from a backup of this directory.`;
    return new MillraceError('CORRUPT_SEGMENT', message, { path: this.path, offset });
  }

  /** Closes the file where it is open. */
  close(): Observable<never> {
    return concat(
      defer(() => this.opened()),
      defer(() => {
        const file = this.reader?.file;
        this.reader = null;
        return file ? file.close().pipe(ignoreElements()) : EMPTY;
      }),
    );
  }

  /** Closes and removes the file. A crash, or an error, leaves it: the next start removes it. */
  remove(): Observable<never> {
    return concat(
      this.close().pipe(catchError(() => EMPTY)),
      defer(() => this.place.storage.remove(this.path)),
    ).pipe(
      ignoreElements(),
      catchError(() => EMPTY),
    );
  }
}

/** All of them open at the same time, and their files kept from now on as long as that is used. */
export function readersOf<T>(
  segments: readonly LiveSegment[],
  use: (readers: readonly SegmentReader[]) => Observable<T>,
): Observable<T> {
  const opened = (rest: readonly LiveSegment[], readers: readonly SegmentReader[]): Observable<T> => {
    const [first, ...others] = rest;
    return first === undefined ? use(readers) : first.use((reader) => opened(others, [...readers, reader]));
  };
  return defer(() => {
    const releases = segments.map((segment) => segment.lease());
    return opened(segments, []).pipe(
      finalize(() => {
        for (const release of releases) release();
      }),
    );
  });
}
