import type { DescribedColumn, RowDescription } from '../row-description.js';
import type { Resolved } from './options.js';
import type { WindowKind } from './window.js';
import type { WindowStatus, WindowTimes } from './window-row.js';

/** The columns of the rows of `windowed`, in their order. A row that is not final is not kept. */
export function rowsOf({ by, aggregates, window }: Resolved): RowDescription {
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
  return { columns, isKept: (row: WindowStatus) => row.final, ...sinceOf(window.kind) };
}

/** A window that lies fixed on the time line has only what it covers; an earlier event may be part of a session within its gap. */
function sinceOf(kind: WindowKind<never>): Pick<RowDescription, 'isSince'> {
  if (kind.type !== 'aligned' && kind.type !== 'session') return {};
  const before = kind.type === 'session' ? kind.gap : 0;
  return { isSince: ({ start }: WindowTimes, time) => start - before >= time };
}
