import type { ColumnLayout } from '../../wal/column.js';
import type { Event } from './appender.js';
import { type Converter, converterOf } from './convert.js';
import { type Source, type SourceRow, Unfit } from './source.js';
import type { TimeUnit } from './time.js';

interface ColumnReader {
  readonly name: string;
  readonly cellOf: (row: SourceRow) => unknown;
  readonly convert: Converter;
}

/** Makes events of rows. */
export class RowReader {
  private readonly columns: readonly ColumnReader[];
  private readonly names: ReadonlySet<string>;

  constructor(
    private readonly source: Source,
    columns: readonly ColumnLayout[],
    unit: TimeUnit,
  ) {
    this.columns = columns.map((column) => ({
      name: column.name,
      cellOf: source.cellReader(column.name),
      convert: converterOf(column, source.format, unit),
    }));
    this.names = new Set(columns.map(({ name }) => name));
  }

  /** The event of a row, or why there is none. */
  read(row: SourceRow): Event | Unfit {
    if (row.fault !== null) return new Unfit(row.fault);
    const surplus = this.source.surplusOf(row, this.names);
    if (surplus !== null) return new Unfit(surplus);
    const event: Event = {};
    for (const { name, cellOf, convert } of this.columns) {
      const value = convert(cellOf(row));
      if (value instanceof Unfit) return new Unfit(`column "${name}" ${value.reason}`);
      if (value !== undefined) event[name] = value;
    }
    return event;
  }
}
