import type { UnsavedEvents } from '../../snapshots/unsaved.js';
import type { ColumnLayout } from '../../wal/column.js';
import type { StreamLayout } from '../../wal/event-entry.js';
import { haveRevisions } from '../history/revisions.js';
import type { HistoryContext } from '../history/stream-history.js';
import { type ReadHost, ReadStream } from '../read-stream.js';
import type { Build } from './build.js';
import type { Derivation, DerivationStatus } from './derivation.js';
import type { DeadLetter, LateEvent } from './side-streams.js';
import { type OutputStream, StreamOutput } from './stream-output.js';

/**
 * A durable stream whose rows come from a pipeline: it is read like any other, and written by nobody. It costs no log: after a crash
 * its rows are derived again from the events that no checkpoint has seen. Declared with `mill.stream(name, { from })`.
 */
export class DerivedStream<T> extends ReadStream<T> {
  /** Events that came too late for a window, where its option `late` says `side`; `null` elsewhere. */
  late: DerivedStream<LateEvent> | null = null;
  /** Events that made the pipeline throw, where the option `onError` is `'deadLetter'`; `null` elsewhere. */
  deadLetters: DerivedStream<DeadLetter> | null = null;
  private derivation: Derivation | null = null;

  /** @internal Use `mill.stream()`. */
  constructor(
    name: string,
    columns: readonly ColumnLayout[],
    host: ReadHost,
    readonly isKept: (row: unknown) => boolean,
    /** How long its rows are kept, in milliseconds of event time; `null` for ever. */
    readonly retention: number | null = null,
    /** @internal */
    readonly isSide = false,
    /** Of its pipeline. */
    readonly version = 1,
  ) {
    super(name, columns, host);
  }

  /** What it is doing, and how far it is. */
  get status(): DerivationStatus {
    return this.derivation?.status ?? { state: 'new', processedTo: 0 };
  }

  /** @internal A new run begins. */
  run(derivation: Derivation): void {
    this.derivation = derivation;
  }

  /** @internal The stream is known to the log under this number now. */
  connect(context: HistoryContext, id: number): void {
    const { columns } = context.catalog.find(this.name)!.versions.at(-1)!;
    this.connectReading(context, id, columns, haveRevisions(columns));
  }

  /** @internal */
  output(layout: StreamLayout, unsaved: UnsavedEvents, build: Build | null): StreamOutput {
    const { name, codec, isKept } = this;
    const emit: OutputStream['emit'] = (row, lsn, index, group) => this.emitRow(row, lsn, index, group);
    return new StreamOutput({ name, codec, isKept, emit }, layout, unsaved, build);
  }
}
