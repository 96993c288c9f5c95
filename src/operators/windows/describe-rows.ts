import type { DescribedColumn, RowDescription } from '../row-description.js';
import type { Resolved } from './options.js';
import type { WindowStatus } from './window-row.js';

/** The columns of the rows of `windowed`, in their order. A row that is not final is not kept. */
export function rowsOf({ by, aggregates }: Resolved): RowDescription {
  const value = (name: string, type: DescribedColumn['type'], optional = false): DescribedColumn => {
    return { name, role: 'value', type, optional };
  };
  const columns: DescribedColumn[] = [
    ...by.map((name): DescribedColumn => ({ name, role: 'key', type: { sameAs: name }, optional: false })),
    { name: 'start', role: 'time', type: 'timestamp', optional: false },
    value('end', 'timestamp'),
    value('firstTime', 'timestamp'),
    value('lastTime', 'timestamp'),
    value('count', 'float64'),
    ...Object.entries(aggregates).map(([name, { gives }]) => value(name, gives.type, gives.optional)),
    value('revision', 'int32'),
    value('final', 'bool'),
  ];
  return { columns, isKept: (row: WindowStatus) => row.final };
}
