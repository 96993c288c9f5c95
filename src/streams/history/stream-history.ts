import { concat, defer, EMPTY, type Observable, of, type SchedulerLike, tap } from 'rxjs';
import type { Retained } from '../../snapshots/manifest.js';
import { atLsn, isBefore, type RowPosition } from '../../snapshots/row-position.js';
import type { SegmentStore } from '../../snapshots/segment-store.js';
import type { UnsavedEvents } from '../../snapshots/unsaved.js';
import type { ColumnLayout } from '../../wal/column.js';
import type { StreamLayout } from '../../wal/event-entry.js';
import type { Apply } from '../apply.js';
import type { Catalog } from '../catalog.js';
import { type FirstWanted, type FollowedStream, Follower, type RowSink } from '../follow.js';
import type { Position } from '../reading.js';
import { RowCodec } from '../row-codec.js';
import type { ReadSink } from '../row-iterator.js';
import { EVERYTHING } from './filter.js';
import { findRevisions } from './find-revisions.js';
import type { HistorySource, OpenedHistory } from './history.js';
import type { HistoryQuery } from './query.js';
import { Revisions } from './revisions.js';
import { Scan, type ScannedStream } from './scan.js';
import { Slices } from './slices.js';
import type { StreamPlace } from './units.js';

/** Where the events of all streams are. */
export interface HistoryContext {
  readonly store: SegmentStore;
  readonly unsaved: UnsavedEvents;
  readonly catalog: Catalog;
  readonly apply: Apply;
  readonly scheduler: SchedulerLike;
}

/** What is asked of the stream beside what is stored. */
export interface HistoryHooks<T> {
  attach(sink: RowSink<T>): () => void;
  onClose(callback: () => void): () => void;
  /** Whether its rows are windows, of which corrected ones come again. */
  readonly hasRevisions: boolean;
}

/** The events of one stream, wherever they are. */
export class StreamHistory<T> implements ScannedStream<T>, FollowedStream<T>, HistorySource<T> {
  readonly apply: Apply;
  private readonly codecs = new Map<string, RowCodec<T>>();

  constructor(
    private readonly context: HistoryContext,
    private readonly id: number,
    private readonly name: string,
    private readonly rows: RowCodec<T>,
    private readonly hooks: HistoryHooks<T>,
  ) {
    this.apply = context.apply;
  }

  get columns(): readonly ColumnLayout[] {
    return this.rows.columns;
  }

  place(): StreamPlace {
    return { segments: this.context.store.of(this.id), unsaved: this.context.unsaved.stream(this.id) };
  }

  retained(): Retained | null {
    return this.context.catalog.retained(this.id);
  }

  codec(columns?: readonly string[]): RowCodec<T> {
    if (columns === undefined) return this.rows;
    const id = JSON.stringify(columns);
    let codec = this.codecs.get(id);
    if (codec === undefined) {
      const wanted = this.columns.filter(({ name }) => columns.includes(name));
      this.codecs.set(id, (codec = new RowCodec(this.name, wanted)));
    }
    return codec;
  }

  layoutOf(entry: Uint8Array): StreamLayout {
    return this.context.catalog.layoutOf(entry);
  }

  scan(position: RowPosition): Scan<T> {
    return new Scan(this, {}, position);
  }

  attach(sink: RowSink<T>): () => void {
    return this.hooks.attach(sink);
  }

  onClose(callback: () => void): () => void {
    return this.hooks.onClose(callback);
  }

  /** History from a position on, then live. */
  follow(position: Position, sink: ReadSink<T>): Follower<T> {
    if (position instanceof Date) return new Follower(this, this.firstFrom(position.getTime()), sink);
    const lsn = position === 'earliest' ? 0 : position === 'latest' ? this.apply.nextLsn : position;
    return new Follower(this, atLsn(lsn), sink);
  }

  /** The first event, in the order of lsns, whose time is not before this one. */
  private firstFrom(from: number): FirstWanted<T> {
    const time = this.columns.find(({ role }) => role === 'time')!.name as keyof T;
    return {
      isIt: (row) => (row[time] as number) >= from,
      find: (first, until) =>
        defer(() => {
          const scan = new Scan<T>(this, { filter: { ...EVERYTHING, from }, columns: [time as string] }, first);
          let found: RowPosition | null = null;
          let isEnd = false;
          const next = () =>
            scan.next(until).pipe(
              tap((piece) => {
                isEnd = piece === null;
                found = piece?.start ?? null;
              }),
            );
          return concat(
            this.slices().steps(() => (isEnd || found !== null ? null : next())),
            defer(() => of({ at: found ?? scan.position, isThere: found !== null })),
          );
        }),
    };
  }

  /** What is there now, for a query. */
  open({ filter, columns, order, revisions: wanted }: Omit<HistoryQuery, 'limit'>): OpenedHistory<T> {
    const until = this.end;
    const slices = this.slices();
    const isBack = order === 'desc';
    const revisions = wanted === 'all' || !this.hooks.hasRevisions ? null : new Revisions(this.columns, isBack);
    const scan = new Scan<T>(this, { filter, revisions, ...(columns && { columns }) }, isBack ? until : atLsn(0));
    const ready = revisions === null || isBack ? EMPTY : findRevisions(this, { filter, until }, revisions, slices);
    return { scan, until, slices, ready, revisions };
  }

  /** Behind the last row that is there: a derived stream may be behind what was applied. */
  private get end(): RowPosition {
    const { segments, unsaved } = this.place();
    const applied = atLsn(this.apply.nextLsn);
    const saved = segments.at(-1)?.end ?? atLsn(0);
    const isAllSaved = unsaved === null || unsaved.first === unsaved.added;
    const last = isAllSaved ? saved : atLsn(unsaved.lastLsn(unsaved.added - 1) + 1);
    return isBefore(last, applied) ? last : applied;
  }

  slices(): Slices {
    return new Slices(this.context.scheduler);
  }

  /** How many events are kept. */
  count(revisions: HistoryQuery['revisions']): Observable<number> {
    return defer(() => {
      const { segments, unsaved } = this.place();
      const time = this.columns.find(({ role }) => role === 'time')!.name;
      const opened = this.open({ filter: EVERYTHING, columns: [time], order: 'asc', revisions });
      const rows = segments.reduce((sum, segment) => sum + segment.rows, unsaved?.rows ?? 0);
      // In a turn, the events of its commit are there already, but none of its readers is to see them.
      const isInTurn = unsaved !== null && unsaved.entryFrom(this.apply.nextLsn) < unsaved.added;
      const isWhole = this.retained() === null && !isInTurn;
      return concat(
        opened.ready,
        defer(() => (isWhole && (opened.revisions?.isEmpty ?? true) ? of(rows) : this.countShown(opened))),
      );
    });
  }

  /** Where only a part is kept, or rows were corrected, they are looked at. */
  private countShown({ scan, until, slices }: OpenedHistory<T>): Observable<number> {
    let count = 0;
    let isEnd = false;
    const next = () =>
      scan.next(until).pipe(
        tap((piece) => {
          isEnd = piece === null;
          count += piece?.count ?? 0;
        }),
      );
    return concat(
      slices.steps(() => (isEnd ? null : next())),
      defer(() => of(count)),
    );
  }
}
