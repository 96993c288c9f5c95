import type { Catalog } from './catalog.js';
import { keyColumns, probe, probedOnce } from './derived/declare.js';
import { DerivedStream } from './derived/derived-stream.js';
import type { DeclaredDerivation } from './derived/load.js';
import { isDeadLetter, lateDeclaration, versionOf } from './derived/misuse.js';
import type { DerivedOptions, TableOptions } from './derived/options.js';
import { type PipelineStream, TICKS } from './derived/pipeline-inputs.js';
import { DEAD_LETTER, DEAD_SUFFIX, isDerived, LATE_EVENT, LATE_SUFFIX } from './derived/side-streams.js';
import { Table } from './derived/table.js';
import { declareStreams, type LiveMill } from './live.js';
import { badName, nameTaken, unknownStream } from './misuse.js';
import { durationOf } from './options.js';
import { layoutOf, nameFault, type RowOf, type Schema, timestamp } from './schema.js';
import { DurableStream, type StreamHost } from './stream.js';

// biome-ignore lint/suspicious/noExplicitAny: streams of any row type
export type AnyStream = DurableStream<any, any> | DerivedStream<any>;

/** The streams and tables of one mill: those that were declared, and those of its log that someone asked for. */
export class StreamRegistry {
  private readonly streams = new Map<string, AnyStream>();
  /** In the order of their declaration. */
  readonly derivations: DeclaredDerivation[] = [];

  constructor(
    private readonly directory: string,
    private readonly host: StreamHost,
  ) {}

  get all(): readonly AnyStream[] {
    return [...this.streams.values()];
  }

  /** The names of those that are declared or that the log of a live mill remembers. */
  names(live: LiveMill | null): readonly string[] {
    const remembered = live?.catalog.streams.map((stream) => stream.name) ?? [];
    return [...new Set([...this.streams.keys(), ...remembered])].filter((name) => !name.startsWith('$')).sort();
  }

  /** @throws MillraceError `NAME_TAKEN`, `INVALID_ARGUMENT`, `INVALID_OPTION`; SchemaError */
  declare(name: string, schema: Schema, retention: string | number | undefined, live: LiveMill | null): AnyStream {
    this.assertFree(name);
    const stream: AnyStream = new DurableStream(name, layoutOf(name, schema ?? {}), this.host, keptFor(retention));
    if (live) declareStreams(live, [stream]);
    this.streams.set(name, stream);
    return stream;
  }

  /** @throws MillraceError `NAME_TAKEN`, `INVALID_ARGUMENT`, `INVALID_OPTION`, `ALREADY_STARTED`; SchemaError */
  declareDerived(name: string, options: DerivedOptions<object>, isStarted: boolean): AnyStream {
    this.assertFree(name);
    if (isStarted) throw lateDeclaration(name);
    const { from, schema, retention, processHistory = true } = options;
    const version = versionOf(name, options.version);
    const { columns, isKept, hasLate } = probe(name, from, schema, this);
    const deadLetters = isDeadLetter(name, options.onError);
    const stream = new DerivedStream<object>(name, columns, this.host, isKept, keptFor(retention), false, version);
    if (hasLate) stream.late = this.sideStream(name + LATE_SUFFIX, LATE_EVENT);
    if (deadLetters) stream.deadLetters = this.sideStream(name + DEAD_SUFFIX, DEAD_LETTER);
    this.streams.set(name, stream);
    this.derivations.push({ name, rows: from, target: stream, version, key: [], processesHistory: processHistory });
    return stream;
  }

  /** @throws MillraceError `NAME_TAKEN`, `INVALID_ARGUMENT`, `INVALID_OPTION`, `ALREADY_STARTED` */
  declareTable<V>(name: string, options: TableOptions<V>, isStarted: boolean): Table<V> {
    this.assertFree(name);
    if (isStarted) throw lateDeclaration(name);
    const { key, from, processHistory = true } = options;
    const version = versionOf(name, options.version);
    const { hasLate } = probedOnce(name, from, this);
    const columns = keyColumns(name, key);
    const table = new Table<V>(name, this.host, columns, from);
    if (hasLate) table.late = this.sideStream(name + LATE_SUFFIX, LATE_EVENT);
    if (isDeadLetter(name, options.onError)) table.deadLetters = this.sideStream(name + DEAD_SUFFIX, DEAD_LETTER);
    this.derivations.push({ name, rows: from, target: table, version, key: columns, processesHistory: processHistory });
    return table;
  }

  /** The stream of ticks, which is there where a pipeline needs it. */
  readonly ticks = (): DurableStream<{ ts: number }> => {
    let stream = this.streams.get(TICKS) as DurableStream<{ ts: number }> | undefined;
    if (stream === undefined) {
      stream = new DurableStream<{ ts: number }>(TICKS, layoutOf(TICKS, { ts: timestamp() }), this.host);
      this.streams.set(TICKS, stream);
    }
    return stream;
  };

  isOwn(stream: PipelineStream): boolean {
    return this.streams.get(stream.name) === stream;
  }

  private sideStream<S extends Schema>(name: string, schema: S): DerivedStream<RowOf<S>> {
    this.assertFree(name);
    const stream = new DerivedStream<RowOf<S>>(name, layoutOf(name, schema), this.host, () => true, null, true);
    this.streams.set(name, stream as AnyStream);
    return stream;
  }

  private assertFree(name: string): void {
    const fault = nameFault(name);
    if (fault) throw badName(name, fault);
    if (this.streams.has(name) || this.derivations.some((derivation) => derivation.name === name))
      throw nameTaken(name);
  }

  declared(name: string): AnyStream | undefined {
    return this.streams.get(name);
  }

  /** One that the log remembers. @throws MillraceError `UNKNOWN_STREAM` */
  remembered(name: string, live: LiveMill): AnyStream {
    const found = live.catalog.find(name);
    if (!found) throw unknownStream(name, this.directory, this.names(live));
    const { columns } = found.versions.at(-1)!;
    const stream: AnyStream = isDerived(name, columns, live.manifest.current.derived ?? [])
      ? new DerivedStream(name, columns, this.host, () => true)
      : new DurableStream(name, columns, this.host);
    stream.connect(live, found.id);
    this.streams.set(name, stream);
    return stream;
  }

  /** Of the streams that the log knows, how long their events are kept, in milliseconds. */
  retentions(catalog: Catalog): ReadonlyMap<number, number> {
    const retentions = new Map<number, number>();
    for (const { name, retention } of this.streams.values()) {
      const kept = name === TICKS ? this.longestRetention(catalog) : retention;
      const id = catalog.find(name)?.id;
      if (id !== undefined && kept !== null) retentions.set(id, kept);
    }
    return retentions;
  }

  /** Ticks are kept as long as any event that they come between, also of a stream that is not declared now; `null` for ever. */
  private longestRetention(catalog: Catalog): number | null {
    const isThere = catalog.streams.every(({ name }) => this.streams.has(name));
    const all = [...this.streams.values()].flatMap((stream) =>
      stream instanceof DurableStream && stream.name !== TICKS ? [stream.retention ?? Infinity] : [],
    );
    const longest = isThere ? Math.max(0, ...all) : Infinity;
    return longest === Infinity ? null : longest;
  }

  completeSubscribers(): void {
    for (const stream of this.streams.values()) stream.completeSubscribers();
  }
}

function keptFor(retention: string | number | undefined): number | null {
  return retention === undefined ? null : durationOf('retention', retention);
}
