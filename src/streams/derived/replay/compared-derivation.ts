import { concatMap, EMPTY, from, type Observable, switchMap } from 'rxjs';
import { descriptionOf } from '../../../operators/row-description.js';
import { STATE_DIRECTORY } from '../../../snapshots/leftovers.js';
import { loadState } from '../../../snapshots/load-state.js';
import type { ManifestDerived, Retained } from '../../../snapshots/manifest.js';
import type { StateKey } from '../../../snapshots/state-key.js';
import { scanOf } from '../../history/scan-of.js';
import type { Slices } from '../../history/slices.js';
import { type Row, RowCodec } from '../../row-codec.js';
import { DerivedStream } from '../derived-stream.js';
import { entryOf, type Running, stateContextOf } from '../load.js';
import { ComparedRows } from './compared-rows.js';
import { ComparedTable } from './compared-table.js';
import { type Comparable, comparableOf, comparableSide } from './cuts.js';
import type { ReplayedMill } from './replayed-mill.js';
import type { Failure, Replayed } from './report.js';

/** A stream of a derivation: its rows, or those beside them. */
interface ComparedStream {
  readonly name: string;
  readonly rows: ComparedRows;
  readonly comparable: Comparable;
}

/** A derivation in a replay. What it gives is compared if it stands where the replay ends. */
export class ComparedDerivation {
  private readonly streams: readonly ComparedStream[];
  private readonly table: ComparedTable | null = null;
  private readonly comparable: Comparable;
  private readonly entry: ManifestDerived | undefined;

  /** Brings it to where it began once. */
  constructor(
    private readonly running: Running,
    private readonly until: number,
    private readonly mill: ReplayedMill,
  ) {
    const { derivation, target, rows, key, name, processesHistory } = running;
    this.entry = entryOf(derivation, mill.manifest.current);
    const hasTimes = descriptionOf(rows)?.isSince !== undefined;
    const comparable = comparableOf(derivation, hasTimes, (stream) => this.retainedOf(stream));
    const side = comparableSide(comparable);
    this.comparable = target instanceof DerivedStream ? comparable : side;
    const late = target.late && this.stream(target.late, side);
    const deadLetters = target.deadLetters && this.stream(target.deadLetters, side);
    const sides = { late: late?.rows ?? null, deadLetters: deadLetters?.rows ?? null };
    let own: ComparedStream | null = null;
    if (target instanceof DerivedStream) {
      own = this.stream(target, this.comparable);
      derivation.connect(own.rows, sides);
    } else {
      this.table = new ComparedTable(name, key, cutLsn(this.comparable));
      const { output } = this.table;
      derivation.connect(output, sides);
      // Pipelines may look into it.
      target.run({ output, derivation });
    }
    this.streams = [own, late, deadLetters].filter((stream) => stream !== null);
    derivation.loaded(this.entry?.processedFrom ?? (this.entry === undefined && !processesHistory ? until : 0));
  }

  get name(): string {
    return this.running.name;
  }

  /** Of another version than the one that is declared there is nothing to compare. */
  private get isCompared(): boolean {
    const { entry, until, running } = this;
    return entry?.version === running.version && entry.processedTo === until;
  }

  /** Derived rows that are held. */
  get held(): number {
    return this.streams.reduce((held, { rows }) => held + rows.held, 0);
  }

  /** Compares the rows of the turns that are through. */
  compareRows(): Observable<never> {
    if (!this.isCompared) return EMPTY;
    const compared = this.streams.filter(({ comparable }) => comparable.from !== 'never');
    return from(compared).pipe(concatMap(({ rows }) => rows.compareBelow(this.running.derivation.processedTo)));
  }

  /** Compares the keys of a table, once all turns are through. */
  compareKeys(slices: Slices): Observable<never> {
    const { table, entry } = this;
    if (table === null || !this.isCompared || this.comparable.from === 'never' || this.failure !== null) return EMPTY;
    const { place } = this.mill;
    const context = stateContextOf(this.mill);
    const { name, codec } = table.output.state;
    const files = entry!.states.find((state) => state.name === name)?.files ?? [];
    const folder = `${place.directory}/${STATE_DIRECTORY}`;
    return loadState<StateKey, unknown, unknown[]>(place.storage, folder, files, { name, codec }, context).pipe(
      switchMap((stored) => table.compare(stored, slices)),
    );
  }

  /** What was found of its rows, and of the streams beside them. */
  get results(): Replayed[] {
    if (!this.isCompared) return [];
    const { name, until: processedTo, table, comparable, failure, streams } = this;
    const upstream = this.running.derivation.upstream.filter(({ version }) => version > 1);
    const readsRebuilt = upstream.map((derivation) => derivation.name);
    const all = streams.map(({ name, rows: { equal, difference }, comparable }): Replayed => {
      return { name, kind: 'stream', processedTo, equal, comparable, difference, readsRebuilt };
    });
    if (table !== null) {
      const { equal, difference } = table;
      all.unshift({ name, kind: 'table', processedTo, equal, comparable, difference, readsRebuilt });
    }
    const [own, ...sides] = all as [Replayed, ...Replayed[]];
    return [{ ...own, difference: own.difference ?? failure }, ...sides];
  }

  private get failure(): Failure | null {
    const { failure } = this.running.derivation;
    return failure && { kind: 'failure', ...failure };
  }

  // biome-ignore lint/suspicious/noExplicitAny: of rows of any type
  private stream(stream: DerivedStream<any>, comparable: Comparable): ComparedStream {
    const { mill, until } = this;
    const { id, versions } = mill.catalog.find(stream.name)!;
    const codec = new RowCodec<unknown>(stream.name, versions.at(-1)!.columns);
    const rows = new ComparedRows({
      codec,
      isKept: stream.isKept,
      stored: scanOf(mill, id, 0),
      until,
      wholeFrom: cutLsn(comparable),
      isCompared: this.isCompared ? this.filterOf(stream.name, codec, comparable) : () => false,
    });
    return { name: stream.name, rows, comparable };
  }

  /** Which rows of a stream are compared: those that are kept, and that follow from events that are. */
  private filterOf(
    name: string,
    { columns }: RowCodec<unknown>,
    comparable: Comparable,
  ): (row: Row, lsn: number) => boolean {
    const time = columns.find(({ role }) => role === 'time')!.name;
    const retained = this.retainedOf(name);
    // Rows of an older version may stay.
    const from = Math.max(this.entry!.processedFrom ?? 0, keptTo(this.entry!, name) + 1);
    const isGone = (row: Row, lsn: number) =>
      lsn < from || (retained !== null && lsn < retained.lsn && (row[time] as number) < retained.from);
    switch (comparable.from) {
      case 'all':
      case 'events':
        return (row, lsn) => !isGone(row, lsn);
      case 'time': {
        const isSince = descriptionOf(this.running.rows)!.isSince as (row: unknown, time: number) => boolean;
        return (row, lsn) => isSince(row, comparable.time) && !isGone(row, lsn);
      }
      default:
        return () => false;
    }
  }

  private retainedOf(stream: string): Retained | null {
    return this.mill.manifest.current.streams.find(({ name }) => name === stream)?.retained ?? null;
  }
}

function keptTo({ kept = [] }: ManifestDerived, stream: string): number {
  return kept.find((one) => one.stream === stream)?.to ?? -1;
}

/** Below this lsn events may be gone whose rows are compared where they are not; 0 for nowhere. */
function cutLsn(comparable: Comparable): number {
  return comparable.from === 'events' ? comparable.cut.lsn : 0;
}
