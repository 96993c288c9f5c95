import { SchemaError } from '../errors.js';
import type { ManifestStream, Retained } from '../snapshots/manifest.js';
import { canTake } from '../snapshots/segments/entry-sources.js';
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
  /** How many versions of a stream's schema the log has; a declaration is remembered before it is logged. */
  private readonly logged = new Map<number, number>();
  private readonly retention = new Map<number, Retained>();

  /** What the snapshot knew. */
  constructor(known: readonly ManifestStream[] = []) {
    for (const { id, name, versions, retained } of known) {
      for (const [at, columns] of versions.entries())
        this.passed({ kind: 'stream', id, name, version: at + 1, columns });
      if (retained) this.retention.set(id, retained);
    }
  }

  /** What the log has said so far, for a manifest. */
  get snapshot(): readonly ManifestStream[] {
    return this.streams.flatMap(({ id, name, versions }) => {
      const logged = versions.slice(0, this.logged.get(id) ?? 0).map(({ columns }) => columns);
      return logged.length === 0 ? [] : [{ id, name, versions: logged, retained: this.retained(id) }];
    });
  }

  /** How far the events of a stream are kept; `null` for all. */
  retained(id: number): Retained | null {
    return this.retention.get(id) ?? null;
  }

  /** Events with lower lsns than `lsn` are kept only from this event time on. */
  retain(id: number, retained: Retained): void {
    this.retention.set(id, retained);
  }

  get streams(): readonly RememberedStream[] {
    return [...this.byName.values()];
  }

  find(name: string): RememberedStream | undefined {
    return this.byName.get(name);
  }

  layout(id: number, version: number): StreamLayout {
    const layout = this.byId.get(id)?.versions[version - 1];
    if (layout === undefined)
      throw new Error(`The log has events of stream ${id}, version ${version}, which was never declared.`);
    return layout;
  }

  /** The layout of an event entry, by what its header says. */
  layoutOf(entry: Uint8Array): StreamLayout {
    return this.layout(streamIdOf(entry), versionOf(entry));
  }

  /** Takes a record of the metadata log that was passed in it. */
  passed(record: StreamRecord): void {
    this.remember(record);
    this.logged.set(record.id, Math.max(record.version, this.logged.get(record.id) ?? 0));
  }

  /** Takes a declaration, which is on its way into the log. */
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
   * @param isRebuilt whether its rows are derived anew: then columns may come, and go but for keys and the time
   * @throws SchemaError `SCHEMA_CHANGED` with the difference, unless only optional columns were added.
   */
  declare(name: string, columns: readonly ColumnLayout[], isRebuilt = false): StreamRecord | null {
    const known = this.byName.get(name);
    if (known === undefined) {
      const id = Math.max(0, ...this.byId.keys()) + 1;
      return { kind: 'stream', id, name, version: 1, columns };
    }
    const before = known.versions.at(-1)!;
    const added = columns.filter((column) => !before.columns.some((old) => old.name === column.name));
    if (isRebuilt) return redeclared(known, columns);
    const differences = [
      ...before.columns.flatMap((old) => difference(old, columns.find(isNamed(old)))),
      ...added.filter((column) => !column.optional).map((column) => `"${column.name}" is new and not optional`),
    ];
    if (differences.length > 0) throw changed(name, differences);
    if (added.length === 0) return null;
    return { kind: 'stream', id: known.id, name, version: before.version + 1, columns: [...before.columns, ...added] };
  }
}

/** What has to be logged of a stream whose rows are derived anew; `null` where nothing changed. @throws SchemaError `SCHEMA_CHANGED` */
function redeclared({ id, name, versions }: RememberedStream, columns: readonly ColumnLayout[]): StreamRecord | null {
  const before = versions.at(-1)!;
  const differences = before.columns.flatMap((old) => {
    const now = columns.find(isNamed(old));
    const isFree = old.role === 'value' && (now === undefined || (now.role === 'value' && now.type === old.type));
    return isFree ? [] : difference(old, now);
  });
  const keys = columns.filter((column) => column.role === 'key' && !before.columns.some(isNamed(column)));
  const found = [...differences, ...keys.map((column) => `"${column.name}" is a new key`)];
  if (found.length > 0) throw rebuiltOtherwise(name, found);
  const text = (all: readonly ColumnLayout[]) => all.map((column) => `${column.name} ${worded(column)}`).join();
  if (text(before.columns) === text(columns)) return null;
  return { kind: 'stream', id, name, version: before.version + 1, columns };
}

/** The newest layout of a stream, and the older ones whose rows it can take: all that rows in memory may have. */
export function layoutsOf({ id, versions }: Pick<ManifestStream, 'id' | 'versions'>): {
  readonly layout: StreamLayout;
  readonly older: readonly StreamLayout[];
} {
  const layouts = versions.map((columns, at) => ({ id, version: at + 1, columns }));
  const layout = layouts.at(-1)!;
  return { layout, older: layouts.slice(0, -1).filter((other) => canTake(layout, other)) };
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

const isNamed =
  ({ name }: ColumnLayout) =>
  (other: ColumnLayout): boolean =>
    other.name === name;

function rebuiltOtherwise(stream: string, differences: readonly string[]): SchemaError {
  const message =
    `A new version of "${stream}" has other key columns, another time column, or other types: ${differences.join('; ')}. ` +
    'Readers have its old rows while it is being built: declare it under another name. Nothing was changed.';
  return new SchemaError(message, { stream }, 'SCHEMA_CHANGED');
}

function changed(stream: string, differences: readonly string[]): SchemaError {
  const message =
    `The schema of stream "${stream}" differs from the one that its events were written with: ${differences.join('; ')}. ` +
    'Optional columns may be added; for anything else, declare a stream with another name. Nothing was changed.';
  return new SchemaError(message, { stream }, 'SCHEMA_CHANGED');
}
