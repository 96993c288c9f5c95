import { SchemaError } from '../errors.js';
import { streamIdOf, versionOf } from '../wal/batch.js';
import type { ColumnLayout } from '../wal/column.js';
import type { StreamLayout } from '../wal/event-entry.js';
import type { MetadataRecord } from '../wal/record.js';

type StreamRecord = Extract<MetadataRecord, { kind: 'stream' }>;

/** What the metadata log remembers of a stream: its number and every version of its schema. */
export interface RememberedStream {
  readonly id: number;
  readonly name: string;
  /** By version, from 1 on. */
  readonly versions: readonly StreamLayout[];
}

/** The streams that the log knows. */
export class Catalog {
  private readonly byName = new Map<string, RememberedStream>();
  private readonly byId = new Map<number, RememberedStream>();

  get streams(): readonly RememberedStream[] {
    return [...this.byName.values()];
  }

  find(name: string): RememberedStream | undefined {
    return this.byName.get(name);
  }

  private layout(id: number, version: number): StreamLayout {
    const layout = this.byId.get(id)?.versions[version - 1];
    if (layout === undefined)
      throw new Error(`The log has events of stream ${id}, version ${version}, which was never declared.`);
    return layout;
  }

  /** The layout of an event entry, by what its header says. */
  layoutOf(entry: Uint8Array): StreamLayout {
    return this.layout(streamIdOf(entry), versionOf(entry));
  }

  /** Takes a record of the metadata log. */
  remember({ id, name, version, columns }: StreamRecord): void {
    const versions = [...(this.byName.get(name)?.versions ?? [])];
    versions[version - 1] = { id, version, columns };
    const stream = { id, name, versions };
    this.byName.set(name, stream);
    this.byId.set(id, stream);
  }

  /**
   * Compares a declaration with what is remembered. Gives the record that has to be logged, or `null` where it is as
   * remembered.
   *
   * @throws SchemaError `SCHEMA_CHANGED` with the difference, unless only optional columns were added.
   */
  declare(name: string, columns: readonly ColumnLayout[]): StreamRecord | null {
    const known = this.byName.get(name);
    if (known === undefined) {
      const id = Math.max(0, ...this.byId.keys()) + 1;
      return { kind: 'stream', id, name, version: 1, columns };
    }
    const before = known.versions.at(-1)!;
    const added = columns.filter((column) => !before.columns.some((old) => old.name === column.name));
    const differences = [
      ...before.columns.flatMap((old) =>
        difference(
          old,
          columns.find((column) => column.name === old.name),
        ),
      ),
      ...added.filter((column) => !column.optional).map((column) => `"${column.name}" is new and not optional`),
    ];
    if (differences.length > 0) throw changed(name, differences);
    if (added.length === 0) return null;
    return { kind: 'stream', id: known.id, name, version: before.version + 1, columns: [...before.columns, ...added] };
  }
}

function difference(old: ColumnLayout, now: ColumnLayout | undefined): string[] {
  if (now === undefined) return [`"${old.name}" is gone`];
  const was = worded(old);
  const is = worded(now);
  return was === is ? [] : [`"${old.name}" was ${was}, now ${is}`];
}

function worded({ type, role, optional }: ColumnLayout): string {
  const column =
    role === 'key' || role === 'tag' ? `${role}(${type}())` : `${type}()${role === 'time' ? ' as event time' : ''}`;
  return optional ? `${column}.optional()` : column;
}

function changed(stream: string, differences: readonly string[]): SchemaError {
  const message =
    `The schema of stream "${stream}" differs from the one that its events were written with: ${differences.join('; ')}. ` +
    'Optional columns may be added; for anything else, declare a stream with another name. Nothing was changed.';
  return new SchemaError(message, { stream }, 'SCHEMA_CHANGED');
}
