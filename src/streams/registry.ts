import type { Catalog } from './catalog.js';
import { declareStreams, type LiveMill } from './live.js';
import { badName, nameTaken, unknownStream } from './misuse.js';
import { durationOf } from './options.js';
import { layoutOf, nameFault, type Schema } from './schema.js';
import { DurableStream, type StreamHost } from './stream.js';

// biome-ignore lint/suspicious/noExplicitAny: streams of any row type
type AnyStream = DurableStream<any, any>;

/** The streams of one mill: those that were declared, and those of its log that someone asked for. */
export class StreamRegistry {
  private readonly streams = new Map<string, AnyStream>();

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
    return [...new Set([...this.streams.keys(), ...remembered])].sort();
  }

  /** @throws MillraceError `NAME_TAKEN`, `INVALID_ARGUMENT`, `INVALID_OPTION`; SchemaError */
  declare(name: string, schema: Schema, retention: string | number | undefined, live: LiveMill | null): AnyStream {
    const fault = nameFault(name);
    if (fault) throw badName(name, fault);
    if (this.streams.has(name)) throw nameTaken(name);
    const kept = retention === undefined ? null : durationOf('retention', retention);
    const stream: AnyStream = new DurableStream(name, layoutOf(name, schema ?? {}), this.host, kept);
    if (live) declareStreams(live, [stream]);
    this.streams.set(name, stream);
    return stream;
  }

  declared(name: string): AnyStream | undefined {
    return this.streams.get(name);
  }

  /** One that the log remembers. @throws MillraceError `UNKNOWN_STREAM` */
  remembered(name: string, live: LiveMill): AnyStream {
    const found = live.catalog.find(name);
    if (!found) throw unknownStream(name, this.directory, this.names(live));
    const stream: AnyStream = new DurableStream(name, found.versions.at(-1)!.columns, this.host);
    stream.connect(live, found.id);
    this.streams.set(name, stream);
    return stream;
  }

  /** Of the streams that the log knows, how long their events are kept, in milliseconds. */
  retentions(catalog: Catalog): ReadonlyMap<number, number> {
    const retentions = new Map<number, number>();
    for (const { name, retention } of this.streams.values()) {
      const id = catalog.find(name)?.id;
      if (id !== undefined && retention !== null) retentions.set(id, retention);
    }
    return retentions;
  }

  completeSubscribers(): void {
    for (const stream of this.streams.values()) stream.completeSubscribers();
  }
}
