import { MillraceError } from '../../errors.js';
import type { ColumnLayout } from '../../wal/column.js';
import type { StreamLayout } from '../../wal/event-entry.js';
import { CommitRows } from './commit-rows.js';
import { EntryCursor, versionOfEntry } from './entry-cursor.js';
import { keyColumns } from './key-order.js';
import { KeyTable } from './key-table.js';
import type { PackedEntries } from './packed-entries.js';

/** How entries with one version of the schema are read. */
interface Version {
  readonly layout: StreamLayout;
  /** For each column of the segment, the number of the entry's column that has its values, or -1. */
  readonly sources: readonly number[];
  /** The numbers of the entry's key columns, in the order of the segment's. */
  readonly keys: readonly number[];
}

/** The entries of a segment that is being built. They are read twice: first their keys, which need an order, then their rows. */
export class EntrySources {
  readonly keys: KeyTable;
  rows = 0;
  private readonly versions = new Map<number, Version>();

  /** @throws MillraceError `SCHEMA_CHANGED` where rows of an older version do not fit */
  constructor(
    layout: StreamLayout,
    older: readonly StreamLayout[],
    private readonly entries: PackedEntries,
  ) {
    for (const version of [...older, layout]) this.versions.set(version.version, versionOf(layout, version));
    const cursor = new EntryCursor();
    this.keys = new KeyTable(keyColumns(layout.columns), entries.count);
    for (let entry = 0; entry < entries.count; entry++) {
      const { keys } = this.open(cursor, entry);
      this.rows += cursor.rows;
      if (keys.length > 0) this.keys.add(cursor, keys);
    }
    this.keys.rank();
  }

  private open(cursor: EntryCursor, entry: number): Version {
    const version = this.versions.get(versionOfEntry(this.entries, entry));
    if (version === undefined) {
      const message = `An event entry has a version of the schema that was not given: ${versionOfEntry(this.entries, entry)}.`;
      throw new MillraceError('INVALID_ARGUMENT', message);
    }
    cursor.open(this.entries, entry, version.layout);
    return version;
  }

  /** One commit after the other: the same object, standing on the next one. */
  *commits(): Iterable<CommitRows> {
    const commit = new CommitRows(this.keys);
    for (let entry = 0; entry < this.entries.count; entry++) {
      const cursor = commit.spare();
      const { sources } = this.open(cursor, entry);
      if (commit.isEmpty || cursor.sharesCommitWith(commit.last)) {
        commit.push(sources);
      } else {
        yield commit;
        commit.restart(sources);
      }
    }
    if (!commit.isEmpty) yield commit;
  }
}

/** Whether a segment with a layout can take rows that have another one. */
export function canTake(layout: StreamLayout, other: StreamLayout): boolean {
  return faultOf(layout, other, placeIn(other)) === null;
}

const placeIn =
  ({ columns }: StreamLayout) =>
  ({ name }: ColumnLayout): number =>
    columns.findIndex((column) => column.name === name);

function versionOf(layout: StreamLayout, version: StreamLayout): Version {
  const placeOf = placeIn(version);
  const fault = faultOf(layout, version, placeOf);
  if (fault !== null) {
    const message = `A segment with version ${layout.version} of the schema cannot take rows of version ${version.version}: ${fault}.`;
    throw new MillraceError('SCHEMA_CHANGED', message);
  }
  return { layout: version, sources: layout.columns.map(placeOf), keys: keyColumns(layout.columns).map(placeOf) };
}

function faultOf(layout: StreamLayout, from: StreamLayout, placeOf: (column: ColumnLayout) => number): string | null {
  for (const column of layout.columns) {
    const fault = columnFault(column, from.columns[placeOf(column)]);
    if (fault !== null) return `column "${column.name}" ${fault}`;
  }
  const isThere = (key: ColumnLayout): boolean => layout.columns.some(({ name }) => name === key.name);
  const dropped = keyColumns(from.columns).find((key) => !isThere(key));
  return dropped ? `key column "${dropped.name}" was dropped` : null;
}

function columnFault(column: ColumnLayout, source: ColumnLayout | undefined): string | null {
  if (source === undefined) return column.optional ? null : 'was added and is not optional';
  if (source.type !== column.type) return `was ${source.type} and is ${column.type}`;
  if ((source.role === 'key') !== (column.role === 'key')) return 'became a key column, or is none any more';
  return source.optional && !column.optional ? 'was optional and is not any more' : null;
}
