import type { UnsavedEvents } from '../snapshots/unsaved.js';
import { type Batch, streamIdOf } from '../wal/batch.js';
import type { Commit } from '../wal/commit.js';
import type { MetadataRecord } from '../wal/record.js';
import type { Catalog } from './catalog.js';
import { type Route, Turns, takeTurn } from './derived/turns.js';
import { toBatch } from './ingest.js';
import { eachRow } from './merge.js';
import type { RowReader } from './row-codec.js';

/** Where the rows of a stream go. */
export interface StreamTarget {
  /** Whether someone wants rows; else none are made. */
  wantsRows(): boolean;
  reader(batch: Batch): RowReader<unknown>;
  /** Takes a row in its turn. */
  emit(row: unknown, lsn: number, index: number, group: object): void;
}

/**
 * Applies commits, live and in replay: the one piece of code through which everything that the log says gets into
 * memory. A turn is one event; turns follow each other in the order of lsns, over all streams.
 */
export class Apply {
  /** The last commit that was applied whole. */
  commit: number;
  /** The lsn after its last event. */
  nextLsn: number;
  /** How many records that change something came since the start, or since they were last taken. */
  records = 0;
  private readonly targets = new Map<number, StreamTarget>();
  private isInTurn = false;
  private afterwards: (() => void)[] = [];

  constructor(
    private readonly catalog: Catalog,
    private readonly unsaved: UnsavedEvents,
    base: { readonly commit: number; readonly nextLsn: number },
    /** The derivations that have a turn with each event. */
    private readonly turns = new Turns(),
  ) {
    this.commit = base.commit;
    this.nextLsn = base.nextLsn;
  }

  /** Rows of the stream with this number go to `target` from now on. */
  connect(streamId: number, target: StreamTarget): void {
    this.targets.set(streamId, target);
  }

  /** In replay only what belongs to the mill's state is applied; subscribers see what is committed after `start`. */
  replay(commit: Commit): void {
    this.remember(commit);
    this.passed(commit);
  }

  live(commit: Commit): void {
    this.isInTurn = true;
    try {
      this.remember(commit);
      this.emit(commit);
    } finally {
      this.isInTurn = false;
      this.passed(commit);
    }
    for (const callback of this.afterwards.splice(0)) callback();
  }

  /** Calls back between two commits: now, or when the one that is being applied is through. */
  betweenCommits(callback: () => void): void {
    if (this.isInTurn) this.afterwards.push(callback);
    else callback();
  }

  private passed(commit: Commit): void {
    this.commit = commit.number;
    this.nextLsn = commit.firstLsn + commit.events;
    this.turns.passed(this.nextLsn);
  }

  /** Everything that must be known of a commit before its events have their turns. */
  private remember(commit: Commit): void {
    this.unsaved.add(commit);
    for (const record of commit.records) this.take(record, commit);
  }

  private take(record: MetadataRecord, { firstLsn, events }: Commit): void {
    if (record.kind === 'stream') this.catalog.passed(record);
    else if (record.kind === 'retention') this.catalog.retain(record.id, { from: record.from, lsn: firstLsn + events });
    else if (record.kind !== 'ceiling') return;
    this.records++;
  }

  private emit(commit: Commit): void {
    const sources: EmittedRows[] = [];
    for (const entry of commit.entries) {
      const id = streamIdOf(entry.bytes);
      const route = this.turns.of(id);
      const target = this.targets.get(id);
      if (target === undefined || (route === null && !target.wantsRows())) continue;
      const batch = toBatch(entry.bytes, commit, this.catalog);
      sources.push({ batch, target, route, read: target.reader(batch) });
    }
    if (sources.length > 0) {
      eachRow(sources, 0, Number.POSITIVE_INFINITY, ({ batch, target, route, read }, row) => {
        const event = read(row);
        const lsn = batch.lsnOf(row);
        if (route !== null) takeTurn(route, event, lsn, true);
        target.emit(event, lsn, 0, commit);
      });
    }
  }
}

/** Events of one stream in a commit, and who is to have them. */
interface EmittedRows {
  readonly batch: Batch;
  readonly target: StreamTarget;
  readonly route: Route | null;
  readonly read: RowReader<unknown>;
}
